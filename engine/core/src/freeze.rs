//! When nothing may be changed: windows in the civil time of a zone, as absolute intervals, and what
//! several of them together say of an instant.
//!
//! Pure, and bounded for any configuration: what cannot be told within the bounds is closed.

mod calendar;
mod decision;
mod length;
mod window;

pub use calendar::{At, Times};
pub use decision::{Answer, Instant, Kind, Ruling, decide, is_open};
pub use window::{Window, WindowText};

#[cfg(test)]
mod tests;
