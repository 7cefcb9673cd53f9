//! Registries: Debian's, and others that tests play to be hostile. All are on loopback.
#![expect(clippy::unwrap_used, reason = "what a test's helper cannot do fails its test")]

mod hostile;
mod polled;
mod real;

use artifacts::{
    Reference, Repository,
    registry::{Credentials, Others, Registries, Settings},
};
use std::{collections::BTreeMap, sync::Arc};

fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

fn repository(host: &str, path: &str) -> Repository {
    Repository::parse(&format!("{host}/{path}")).unwrap()
}

fn secret(value: &str) -> Credentials {
    let value = value.to_owned();
    Credentials::Secret(Arc::new(move || Ok(value.clone().into())))
}

/// A client that knows one host.
fn client(host: &str, settings: Settings) -> Registries {
    let hosts = BTreeMap::from([(host.to_owned(), settings)]);
    Registries::new(hosts, Others::Refused).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn with(credentials: Credentials) -> Settings {
    Settings { credentials, ..Settings::default() }
}
