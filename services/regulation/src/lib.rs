//! The rule book as data: every clause with its parameters, the operator's overrides, and the business calendar on which
//! working time is counted. The crate owns no state, and its only input is the regulation file.
#![forbid(unsafe_code)]

pub mod budget;
pub mod calendar;
pub mod clause;
mod constraints;
mod digest;
pub mod error;
mod overrides;
pub mod params;
pub mod regulation;
pub mod value;

pub use budget::{Budget, Measure};
pub use calendar::{Calendar, Due, Interval, YearNotPublished};
pub use clause::{Clause, Mechanism, Parameter, Service, Source, Title};
pub use error::Error;
pub use params::{Param, Parametric};
pub use regulation::Regulation;
pub use value::{Kind, Money, MonthDay, Percent, Period, TimeOfDay, Value, WeekdayTime};
