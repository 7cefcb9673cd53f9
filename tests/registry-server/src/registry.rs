//! The registry, started and stopped.

use crate::{Authority, Image, missing, run, tokens};
use serde_json::{Value, json};
use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);
/// Ports are free when they are asked for, and may be taken when they are used.
const TRIES: usize = 5;

/// Who may come in, and how.
#[derive(Clone, Debug)]
pub enum Door {
    Open,
    /// `user:password`, by htpasswd.
    Password {
        pair: String,
    },
    /// By a token of the server at `realm`, which the certificate at `bundle` vouches for; the pair
    /// is what that server wants.
    Tokens {
        realm: String,
        bundle: PathBuf,
        pair: String,
    },
}

/// What a registry is to be like.
#[derive(Clone, Debug)]
pub struct Options {
    pub door: Door,
    /// A certificate and its key, and the folder with the authority's for skopeo.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Where it tells what was pushed, and the headers that it sends along.
    pub notifications: Option<(String, Vec<(String, String)>)>,
}

impl Default for Options {
    fn default() -> Options {
        Options { door: Door::Open, tls: None, notifications: None }
    }
}

/// A registry that runs until this is dropped.
pub struct Registry {
    /// `127.0.0.1:PORT`, as references name it.
    pub host: String,
    folder: TempDir,
    options: Options,
    child: Child,
}

impl Registry {
    pub fn start() -> Registry {
        Registry::with(Options::default())
    }

    pub fn with(options: Options) -> Registry {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..TRIES {
            let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let host = free.to_string();
            if let Some(child) = started(folder.path(), &host, &options) {
                return Registry { host, folder, options, child };
            }
        }
        panic!("docker-registry does not start; see {}", log(folder.path()))
    }

    /// Ends it, as if its machine had gone; what it has is kept.
    pub fn stop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// The same registry again, at the same address.
    pub fn restart(&mut self) {
        self.stop();
        let child = started(self.folder.path(), &self.host, &self.options);
        self.child = child.unwrap_or_else(|| panic!("{}", log(self.folder.path())));
    }

    /// Puts an image there under a name like `shop/web:v1`, and tells its digest.
    pub fn push(&self, image: &Image, name: &str) -> String {
        let layout = tempfile::tempdir().unwrap();
        let digest = image.write(layout.path());
        let mut command = Command::new("skopeo");
        command.args(["--insecure-policy", "copy", "--all", "--preserve-digests", "--quiet"]);
        match (&self.options.tls, &self.options.door) {
            (Some((certificate, _)), _) => {
                let folder = certificate.parent().unwrap().join("certs");
                fs::create_dir_all(&folder).unwrap();
                let authority = certificate.parent().unwrap().join("ca.pem");
                fs::copy(authority, folder.join("ca.crt")).unwrap();
                command.arg("--dest-cert-dir").arg(folder);
            }
            (None, _) => drop(command.arg("--dest-tls-verify=false")),
        }
        match &self.options.door {
            Door::Open => {}
            Door::Password { pair } | Door::Tokens { pair, .. } => {
                command.args(["--dest-creds", pair]);
            }
        }
        command.arg(format!("oci:{}:it", layout.path().display()));
        command.arg(format!("docker://{}/{name}", self.host));
        run(&mut command, "skopeo");
        digest
    }

    /// Gives many tags to what is there already, as if each had been pushed; nobody is notified.
    pub fn tag(&self, repository: &str, digest: &str, tags: impl IntoIterator<Item = String>) {
        let root = self.folder.path().join("data/docker/registry/v2/repositories").join(repository);
        let hex = digest.trim_start_matches("sha256:");
        for tag in tags {
            let tag = root.join("_manifests/tags").join(tag);
            for link in [tag.join("current"), tag.join("index/sha256").join(hex)] {
                fs::create_dir_all(&link).unwrap();
                fs::write(link.join("link"), digest).unwrap();
            }
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Options {
    pub fn tls(authority: &Authority) -> Options {
        let pair = authority.loopback();
        Options { tls: Some((pair.certificate, pair.key)), ..Options::default() }
    }
}

/// The process once it listens, or nothing if it has ended.
fn started(folder: &Path, host: &str, options: &Options) -> Option<Child> {
    let configuration = folder.join("config.json");
    fs::write(&configuration, configured(folder, host, options).to_string()).unwrap();
    let told = fs::File::create(folder.join("log")).unwrap();
    let mut command = Command::new("docker-registry");
    command
        .arg("serve")
        .arg(&configuration)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(told);
    let child = command.spawn();
    let mut child =
        child.unwrap_or_else(|error| missing("docker-registry", "docker-registry", &error));
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < PATIENCE, "docker-registry does not listen: {}", log(folder));
        if TcpStream::connect(host).is_ok() {
            return Some(child);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// JSON is YAML.
fn configured(folder: &Path, host: &str, options: &Options) -> Value {
    let mut http = json!({"addr": host, "secret": "of a test"});
    if let Some((certificate, key)) = &options.tls {
        http["tls"] = json!({"certificate": certificate, "key": key});
    }
    let mut all = json!({
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": true}},
        "storage": {"filesystem": {"rootdirectory": folder.join("data")}, "delete": {"enabled": true}},
        "http": http,
    });
    match &options.door {
        Door::Open => {}
        Door::Password { pair } => {
            let file = folder.join("htpasswd");
            let (user, password) = pair.split_once(':').unwrap();
            let mut command = Command::new("htpasswd");
            let line =
                run(command.args(["-nbB", "-C", "4", user, password]), "apache2-utils").stdout;
            fs::write(&file, line).unwrap();
            all["auth"] = json!({"htpasswd": {"realm": "test", "path": file}});
        }
        Door::Tokens { realm, bundle, .. } => {
            let (service, issuer) = (tokens::SERVICE, tokens::ISSUER);
            let token = json!({"realm": realm, "service": service, "issuer": issuer, "rootcertbundle": bundle});
            all["auth"] = json!({ "token": token });
        }
    }
    if let Some((url, headers)) = &options.notifications {
        let headers: serde_json::Map<String, Value> =
            headers.iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
        let endpoint = json!({
            "name": "gennaker", "url": url, "headers": headers, "timeout": "1s", "threshold": 5,
            "backoff": "1s",
        });
        all["notifications"] = json!({"endpoints": [endpoint]});
    }
    all
}
