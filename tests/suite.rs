//! Tests of the suite as a whole, in one binary, so that the workspace is linked once for them.

#[cfg(test)]
mod analysis;
#[cfg(test)]
mod contracts;
#[cfg(test)]
mod conversion;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod structure;
#[cfg(test)]
mod telemetry;
