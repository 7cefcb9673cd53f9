//! A room of one's own in the real cluster: a namespace, a folder and a state directory per test.

use crate::program::gennaker;
use serde_json::Value;
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// The cluster that the whole test run uses.
pub(crate) fn kubeconfig() -> String {
    std::env::var("GENNAKER_TEST_KUBECONFIG").expect(
        "this test needs a cluster and there is none: start the tests by \
         `tests/controlplane/with-cluster cargo test`, or name a cluster by GENNAKER_TEST_KUBECONFIG",
    )
}

pub(crate) struct Room {
    folder: TempDir,
    /// The environment, and so the namespace. Made by the first deploy.
    pub(crate) environment: String,
}

/// How the program ended and what it said.
pub(crate) struct Told {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Room {
    pub(crate) fn new(name: &str) -> Room {
        let folder = tempfile::Builder::new().prefix("room").rand_bytes(8).tempdir().unwrap();
        let unique = folder.path().file_name().unwrap().to_str().unwrap()[4..].to_lowercase();
        Room { folder, environment: format!("{name}-{unique}") }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    /// Writes a file of the repository; `ENV` in it stands for the room's environment.
    pub(crate) fn write(&self, path: &str, text: &str) -> String {
        self.write_as_it_is(path, &text.replace("ENV", &self.environment))
    }

    /// The same for what may have `ENV` in it by chance, such as a certificate in base64.
    pub(crate) fn write_as_it_is(&self, path: &str, text: &str) -> String {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = gennaker(&self.state(), arguments);
        command.env("KUBECONFIG", kubeconfig());
        command
    }

    pub(crate) fn gennaker(&self, arguments: &[&str]) -> Told {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Told { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Runs a pipeline that must succeed, and answers its JSON.
    pub(crate) fn succeed(&self, file: &str) -> Value {
        let told = self.gennaker(&["run", file, "--watch", "-o", "json"]);
        assert_eq!(told.code, Some(0), "{}", told.stderr);
        serde_json::from_str(&told.stdout).unwrap()
    }

    pub(crate) fn latest(&self) -> Value {
        let told = self.gennaker(&["describe", "run", "latest", "-o", "json"]);
        serde_json::from_str(&told.stdout).unwrap()
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        let output = kubectl(&[&["-n", &self.environment], arguments].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn get(&self, what: &[&str]) -> Value {
        let text = self.kubectl(&[&["get", "-o", "json"], what].concat());
        serde_json::from_str(&text).unwrap()
    }

    /// Whether an object is there.
    pub(crate) fn has(&self, object: &str) -> bool {
        let arguments =
            ["-n", &self.environment, "get", object, "--ignore-not-found", "-o", "name"];
        !kubectl(&arguments).stdout.is_empty()
    }

    /// The pods of an application by uid, sorted.
    pub(crate) fn pods(&self) -> Vec<String> {
        let pods = self.get(&["pods"]);
        let items = pods["items"].as_array().unwrap().iter();
        let mut uids: Vec<String> =
            items.map(|pod| pod["metadata"]["uid"].as_str().unwrap().to_owned()).collect();
        uids.sort();
        uids
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // Without a cluster the test has said so already.
        if std::env::var_os("GENNAKER_TEST_KUBECONFIG").is_none() {
            return;
        }
        drop(kubectl(&[
            "delete",
            "namespace",
            &self.environment,
            "--wait=false",
            "--ignore-not-found",
        ]));
    }
}

pub(crate) fn kubectl(arguments: &[&str]) -> Output {
    Command::new("kubectl")
        .args(arguments)
        .env("KUBECONFIG", kubeconfig())
        .output()
        .expect("kubectl is on the PATH")
}

/// A Deployment with its Service and ConfigMap.
pub(crate) fn web(image: &str, replicas: u32) -> String {
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: web}}
data: {{greeting: hello}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, ports: [{{port: 80}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: \"{image}\"}}]}}
"
    )
}

/// Everything that the tester asks of the API server from some moment on.
pub(crate) struct Audit {
    path: String,
    from: u64,
}

impl Audit {
    /// From now on.
    pub(crate) fn open() -> Audit {
        let path = std::env::var("GENNAKER_TEST_AUDIT_LOG")
            .expect("this test reads the audit log of a cluster that `with-cluster` has started");
        let from = std::fs::metadata(&path).unwrap().len();
        Audit { path, from }
    }

    /// The requests about a namespace, in their order.
    pub(crate) fn of(&self, namespace: &str) -> Vec<Value> {
        let mut file = File::open(&self.path).unwrap();
        file.seek(SeekFrom::Start(self.from)).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        let about = format!("\"namespace\":\"{namespace}\"");
        let lines = text.lines().filter(|line| line.contains(&about));
        // The last line may be half-written.
        lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

/// Whether a request changed something, or tried to.
pub(crate) fn is_write(request: &Value) -> bool {
    let uri = request["requestURI"].as_str().unwrap();
    request["verb"] != "get" && !uri.contains("dryRun=All")
}
