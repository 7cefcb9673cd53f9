//! The program as its users have it: built for release, or the one that `GENNAKER_TEST_PROGRAM` names.

use serde_json::Value;
use std::{
    path::PathBuf,
    process::{Command, Stdio},
    sync::LazyLock,
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

pub(crate) static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    if let Some(built) = std::env::var_os("GENNAKER_TEST_PROGRAM") {
        return PathBuf::from(built);
    }
    let output = Command::new(env!("CARGO"))
        .args(["build", "--release", "-p", "gennaker", "--locked", "--message-format", "json"])
        .current_dir(ROOT)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "the program does not build");
    let text = String::from_utf8(output.stdout).unwrap();
    let messages = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut built = messages.filter_map(|it| it["executable"].as_str().map(PathBuf::from));
    built.find(|path| path.ends_with("gennaker")).expect("cargo names the program it built")
});
