//! Patterns of a clock on the wall, and what they come to in a zone whose clocks are put forward and
//! back.

mod field;
mod pattern;
mod rule;
pub mod zone;

pub use field::FieldFault;
pub use pattern::{Rhythm, Schedule};
pub use rule::{Days, Rule, Searched};
pub use zone::{ZoneFault, Zones};
