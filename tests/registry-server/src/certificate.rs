//! A certificate authority of a test's own, and what it vouches for.

use crate::run;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const OPENSSL: &str = "openssl";

/// Certificates in a folder.
pub struct Authority {
    pub certificate: PathBuf,
    pub key: PathBuf,
    folder: PathBuf,
}

/// A certificate and its key, in PEM.
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    pub fn new(folder: &Path) -> Authority {
        let (certificate, key) = (folder.join("ca.pem"), folder.join("ca.key"));
        let mut command = Command::new(OPENSSL);
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
        command.args(["-nodes", "-days", "30", "-subj", "/CN=Gennaker tests"]);
        command.args(["-addext", "keyUsage=critical,keyCertSign,digitalSignature"]);
        command.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
        run(&mut command, OPENSSL);
        Authority { certificate, key, folder: folder.to_owned() }
    }

    pub fn pem(&self) -> String {
        fs::read_to_string(&self.certificate).unwrap()
    }

    /// For a server on loopback.
    pub fn loopback(&self) -> Pair {
        let path = |name: &str| self.folder.join(name);
        let (certificate, key, request) = (path("tls.pem"), path("tls.key"), path("tls.csr"));
        let names = path("names");
        fs::write(
            &names,
            "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n",
        )
        .unwrap();
        let mut command = Command::new(OPENSSL);
        command.args(["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
        command.args(["-subj", "/CN=loopback", "-keyout"]).arg(&key).arg("-out").arg(&request);
        run(&mut command, OPENSSL);
        let mut command = Command::new(OPENSSL);
        command.args(["x509", "-req", "-days", "30", "-CAcreateserial", "-in"]).arg(&request);
        command.arg("-CA").arg(&self.certificate).arg("-CAkey").arg(&self.key);
        command.arg("-extfile").arg(&names).arg("-out").arg(&certificate);
        run(&mut command, OPENSSL);
        Pair { certificate, key }
    }

    /// The key as ring reads it: PKCS#8 in DER.
    pub fn pkcs8(&self) -> Vec<u8> {
        let mut command = Command::new(OPENSSL);
        command.args(["pkcs8", "-topk8", "-nocrypt", "-outform", "DER", "-in"]).arg(&self.key);
        run(&mut command, OPENSSL).stdout
    }
}
