//! Tests of the suite as a whole. One binary, so that the workspace links it once.

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
