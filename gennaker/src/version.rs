//! `version`: which program this is.

use crate::{
    arguments::Output,
    exit::Exit,
    print::{Shown, print},
};
use serde::Serialize;

#[derive(Serialize)]
struct Version {
    name: &'static str,
    version: &'static str,
}

pub(crate) fn version(output: Output) -> anyhow::Result<Exit> {
    print(output, &Version { name: "gennaker", version: env!("CARGO_PKG_VERSION") })?;
    Ok(Exit::Success)
}

impl Shown for Version {
    fn table(&self) {
        println!("{} {}", self.name, self.version);
    }

    fn names(&self) -> Vec<String> {
        vec![self.version.to_owned()]
    }
}
