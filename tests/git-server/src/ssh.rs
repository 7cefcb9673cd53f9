//! OpenSSH's server for a test: on loopback, with keys of its own, letting in whoever runs the test.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const KEYGEN: &str = "ssh-keygen";

/// The server, until it is dropped.
pub struct Ssh {
    folder: TempDir,
    child: Child,
    port: u16,
}

impl Ssh {
    pub fn start() -> Ssh {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        ["host", "client", "stranger"].iter().for_each(|name| generate(&path(name)));
        fs::copy(path("client.pub"), path("authorized")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host = fs::read_to_string(path("host.pub")).unwrap();
        fs::write(path("known"), format!("[127.0.0.1]:{port} {host}")).unwrap();
        let stranger = fs::read_to_string(path("stranger.pub")).unwrap();
        fs::write(path("known-other"), format!("[127.0.0.1]:{port} {stranger}")).unwrap();
        let lines = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             UsePAM no\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n",
            path("host").display(),
            path("authorized").display(),
        );
        fs::write(path("config"), lines).unwrap();
        let child = Self::spawn(&path("config"));
        let mut server = Ssh { folder, child, port };
        server.wait();
        server
    }

    fn spawn(config: &Path) -> Child {
        // Its own package makes this folder when it starts it.
        drop(fs::create_dir("/run/sshd"));
        let program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].map(Path::new);
        let program = program.into_iter().find(|it| it.exists()).unwrap_or_else(|| {
            panic!(
                "sshd is missing: install Debian's package openssh-server, or run ./check as root"
            )
        });
        let mut command = Command::new(program);
        command.args(["-D", "-e", "-f"]).arg(config).stderr(Stdio::null()).spawn().unwrap()
    }

    fn wait(&mut self) {
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(self.child.try_wait().unwrap().is_none(), "sshd ended at once");
            assert!(started.elapsed() < Duration::from_secs(20), "sshd does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Of a repository on this machine.
    pub fn url(&self, repository: &Path) -> String {
        let output = Command::new("id").arg("-un").output().unwrap();
        let user = String::from_utf8(output.stdout).unwrap();
        format!("ssh://{}@127.0.0.1:{}{}", user.trim(), self.port, repository.display())
    }

    /// Lets its owner in.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("client")
    }

    /// Lets nobody in.
    pub fn other_key(&self) -> PathBuf {
        self.folder.path().join("stranger")
    }

    /// Says who this server is.
    pub fn known_hosts(&self) -> PathBuf {
        self.folder.path().join("known")
    }

    /// Says that this server is another one.
    pub fn other_hosts(&self) -> PathBuf {
        self.folder.path().join("known-other")
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn generate(path: &Path) {
    let mut command = Command::new(KEYGEN);
    let output = command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
