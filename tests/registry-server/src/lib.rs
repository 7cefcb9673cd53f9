//! Debian's registry of images for tests, on loopback and with a port of its own, and what belongs to
//! it: images, certificates, a server of tokens. Whatever is started stops when it is dropped.
#![expect(clippy::unwrap_used, reason = "what a test's helper cannot do fails its test")]

mod certificate;
mod image;
mod registry;
mod tokens;
pub mod web;

pub use certificate::{Authority, Pair};
pub use image::Image;
pub use registry::{Door, Options, Registry};
pub use tokens::{ISSUER, SERVICE, Tokens};

use std::process::{Command, Output};

/// Runs a program of a Debian package, and fails loudly if it is not there or is not content.
fn run(command: &mut Command, package: &str) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output();
    let output = output.unwrap_or_else(|error| missing(&name, package, &error));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output
}

fn missing(program: &str, package: &str, error: &std::io::Error) -> ! {
    panic!(
        "{program} cannot be started ({error}): install Debian's package {package}, or run ./check as root"
    )
}
