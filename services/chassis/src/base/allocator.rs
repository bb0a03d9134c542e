//! The allocator of every program of the suite.

/// mimalloc instead of the system's allocator, which took a seventh of a call's processor time: a call makes hundreds of
/// small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
