//! Data on standard output, in the form that was asked for.

use crate::arguments::Output;
use serde::Serialize;

/// What a thing is to people, and what it is called.
pub(crate) trait Shown {
    fn table(&self);
    /// With more columns, if there are more.
    fn wide(&self) {
        self.table();
    }
    /// One line each.
    fn names(&self) -> Vec<String>;
}

pub(crate) fn print<T: Shown + Serialize>(output: Output, thing: &T) -> anyhow::Result<()> {
    match output {
        Output::Table => thing.table(),
        Output::Wide => thing.wide(),
        Output::Json => println!("{}", serde_json::to_string_pretty(thing)?),
        Output::Yaml => print!("{}", serde_saphyr::to_string(thing)?),
        Output::Name => thing.names().iter().for_each(|name| println!("{name}")),
    }
    Ok(())
}
