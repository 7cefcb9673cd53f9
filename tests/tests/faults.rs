//! The faults that `tests/faults/plant` plants still fit the code.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

fn patches(by: &str) -> Vec<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/faults")).join(by);
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|it| it == "patch")).collect()
}

#[test]
fn every_fault_can_still_be_planted() {
    let (simulation, contract) = (patches("simulation"), patches("contract"));
    assert!(simulation.len() >= 7 && contract.len() >= 3, "some faults are gone");
    for patch in simulation.iter().chain(&contract) {
        let output = Command::new("git")
            .args(["apply", "--check"])
            .arg(patch)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {stderr}", patch.display());
    }
}
