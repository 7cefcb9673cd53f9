//! Every example is valid and does what it says on a real cluster.

use crate::cluster::{Room, kubeconfig, kubectl};
use std::path::PathBuf;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines-examples");

/// What an example deploys to.
const ENVIRONMENTS: [&str; 4] = ["hello", "guarded", "shop", "parameters-eu"];

#[test]
fn every_example_is_valid_and_succeeds() {
    let room = Room::new("examples");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(EXAMPLES).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    assert!(folders.len() >= 4, "{folders:?}");
    for folder in folders {
        let folder = folder.to_str().unwrap();
        let valid = room.gennaker(&["validate", folder]);
        assert_eq!(valid.code, Some(0), "{folder}: {}", valid.stderr);
        let told = room.gennaker(&["run", folder, "--watch", "--kubeconfig", &kubeconfig()]);
        assert_eq!(told.code, Some(0), "{folder}: {}", told.stderr);
    }
    for environment in ENVIRONMENTS {
        let arguments = ["delete", "namespace", environment, "--wait=false"];
        assert!(kubectl(&arguments).status.success(), "{environment} was never made");
    }
}
