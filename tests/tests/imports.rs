//! Which package may import which: the table of ARCHITECTURE.md, held against cargo.

use serde_json::Value;
use std::{collections::BTreeMap, process::Command};

/// Every package, and what it may import of ours.
const TABLE: [(&str, &[&str]); 11] = [
    ("artifacts", &["git-server", "registry-server"]), // for its tests
    ("engine-api", &["engine-core", "engine-runtime"]),
    ("engine-core", &[]),
    ("engine-runtime", &["engine-core", "engine-runtime"]), // itself, for its own tests
    (
        "gennaker",
        &[
            "artifacts",
            "engine-api",
            "engine-core",
            "engine-runtime",
            "kubernetes",
            "stages",
            "triggers",
        ],
    ),
    ("git-server", &[]),
    // to read a log
    ("integration-tests", &["engine-core", "engine-runtime", "git-server", "registry-server"]),
    ("kubernetes", &[]),
    ("registry-server", &[]),
    ("stages", &["artifacts", "engine-core", "kubernetes", "triggers"]), // triggers for its own tests
    ("triggers", &["artifacts", "engine-core", "registry-server"]), // a registry for its own tests
];

/// What the core must never reach for.
const BANNED_IN_THE_CORE: [&str; 4] = ["tokio", "reqwest", "sqlx", "kube"];

fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    packages
        .iter()
        .map(|it| (name(it), it["dependencies"].as_array().unwrap().iter().map(name).collect()))
        .collect()
}

#[test]
fn every_package_imports_only_what_the_table_allows() {
    let packages = dependencies();
    let ours: Vec<&String> = packages.keys().collect();
    assert_eq!(ours, TABLE.map(|(package, _)| package), "the table names every package");
    for (package, allowed) in TABLE {
        let imported = packages[package].iter().filter(|it| packages.contains_key(*it));
        let beyond: Vec<_> = imported.filter(|it| !allowed.contains(&it.as_str())).collect();
        assert_eq!(beyond, Vec::<&String>::new(), "{package} imports what it may not");
    }
}

#[test]
fn the_core_has_no_runtime_no_network_and_no_disk() {
    let core = &dependencies()["engine-core"];
    let found: Vec<_> =
        core.iter().filter(|it| BANNED_IN_THE_CORE.contains(&it.as_str())).collect();
    assert_eq!(found, Vec::<&String>::new());
}
