//! Many triggers of one type that look at the same place, asked at once.

use super::Because;
use crate::happening::Happening;

/// What many triggers have in common, so that each need not be asked by itself.
///
/// # Contract
///
/// It refuses for a trigger only what [`super::Trigger::accept`] of that trigger refuses, and with the
/// same reason. Whatever it is not sure of it leaves open: those are asked one by one.
pub trait Sieve: Send + Sync {
    fn sift(&self, happening: &Happening) -> Sifted;
}

/// Each trigger stands in it once, by its place among those that the sieve was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sifted {
    /// Still to be asked.
    pub open: Vec<u32>,
    pub refused: Vec<Refused>,
}

/// All of which one reason says no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub because: Because,
    pub all: Vec<u32>,
}
