//! Seals what stages leave behind with a key that is not in the database: who copies the database
//! alone reads no manifest and no file.
//!
//! ChaCha20-Poly1305 (RFC 8439). A blob's name is a keyed hash of its content and is authenticated
//! with it. The nonce is a keyed hash of the content too: the same content seals alike, and two
//! contents share a nonce only if HMAC-SHA256, cut to 96 bits, collides.

use engine_core::id::BlobName;
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac::{self, HMAC_SHA256},
    rand::{SecureRandom, SystemRandom},
};
use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The key file inside a state directory.
pub const KEY_FILE_NAME: &str = "seal.key";

const KEY_LENGTH: usize = 32;
/// The first byte of what is sealed: the format of the rest.
const FORMAT: u8 = 1;

#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("cannot use the key file {}: {source}", path.display())]
    KeyFile { path: PathBuf, source: io::Error },
    #[error(
        "the key file {} holds {found} bytes instead of 32: put the right one back, without it \
         the stored files cannot be read", path.display()
    )]
    KeyLength { path: PathBuf, found: usize },
    #[error("the system gives no random numbers for a new key")]
    NoRandomness,
    #[error("the seal of blob {0} does not match the key file of this state directory")]
    Broken(BlobName),
}

/// Holds the keys; one per state directory.
pub struct Sealer {
    content: LessSafeKey,
    names: hmac::Key,
    nonces: hmac::Key,
}

impl Sealer {
    /// Reads the key file of a state directory, or creates it.
    ///
    /// # Errors
    ///
    /// When the file can be neither read nor created, or is not a key.
    pub fn in_directory(directory: &Path) -> Result<Sealer, SealError> {
        let path = directory.join(KEY_FILE_NAME);
        match File::open(&path) {
            Ok(file) => read(file, path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(directory, path),
            Err(source) => Err(SealError::KeyFile { path, source }),
        }
    }

    /// A sealer whose key lives in memory only.
    ///
    /// # Errors
    ///
    /// None for 32 bytes; the cipher says so at run time.
    pub fn with_key(key: &[u8; KEY_LENGTH]) -> Result<Sealer, SealError> {
        let root = hmac::Key::new(HMAC_SHA256, key);
        let derived = |purpose: &str| hmac::sign(&root, purpose.as_bytes());
        let content = UnboundKey::new(&CHACHA20_POLY1305, derived("blob content").as_ref());
        Ok(Sealer {
            content: LessSafeKey::new(content.map_err(|_| SealError::NoRandomness)?),
            names: hmac::Key::new(HMAC_SHA256, derived("blob name").as_ref()),
            nonces: hmac::Key::new(HMAC_SHA256, derived("blob nonce").as_ref()),
        })
    }

    /// The name of a content; it betrays nothing of it.
    pub fn name(&self, content: &[u8]) -> BlobName {
        BlobName(hex::encode(hmac::sign(&self.names, content)))
    }

    /// Seals a content under its name. The format byte and the nonce come first, the tag last.
    pub fn seal(&self, name: &BlobName, content: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&hmac::sign(&self.nonces, content).as_ref()[..NONCE_LEN]);
        let mut sealed = content.to_vec();
        let aad = Aad::from(name.0.as_bytes());
        let nonced = Nonce::assume_unique_for_key(nonce);
        #[expect(clippy::expect_used, reason = "it fails beyond 256 GiB, which fit no memory")]
        self.content.seal_in_place_append_tag(nonced, aad, &mut sealed).expect("a blob fits");
        [&[FORMAT], nonce.as_slice(), sealed.as_slice()].concat()
    }

    /// Opens what was sealed under this name.
    ///
    /// # Errors
    ///
    /// When a bit was changed, or the key or the name is another.
    pub fn open(&self, name: &BlobName, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let broken = || SealError::Broken(name.clone());
        let (format, rest) = sealed.split_first().ok_or_else(broken)?;
        let (nonce, content) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(broken)?;
        if *format != FORMAT {
            return Err(broken());
        }
        let aad = Aad::from(name.0.as_bytes());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut content = content.to_vec();
        let opened = self.content.open_in_place(nonce, aad, &mut content).map_err(|_| broken())?;
        let length = opened.len();
        content.truncate(length);
        Ok(content)
    }
}

fn read(mut file: File, path: PathBuf) -> Result<Sealer, SealError> {
    let mut key = Vec::new();
    // One byte more than a key tells a longer file apart.
    let read = Read::by_ref(&mut file).take(KEY_LENGTH as u64 + 1).read_to_end(&mut key);
    if let Err(source) = read {
        return Err(SealError::KeyFile { path, source });
    }
    match <&[u8; KEY_LENGTH]>::try_from(key.as_slice()) {
        Ok(key) => Sealer::with_key(key),
        Err(_) => Err(SealError::KeyLength { path, found: key.len() }),
    }
}

/// Written whole under another name first: a key file is there with all its bytes, or not at all.
fn create(directory: &Path, path: PathBuf) -> Result<Sealer, SealError> {
    let mut key = [0; KEY_LENGTH];
    SystemRandom::new().fill(&mut key).map_err(|_| SealError::NoRandomness)?;
    match store(directory, &path, &key) {
        Ok(()) => Sealer::with_key(&key),
        // Another process was faster; its key is the one.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match File::open(&path) {
            Ok(file) => read(file, path),
            Err(source) => Err(SealError::KeyFile { path, source }),
        },
        Err(source) => Err(SealError::KeyFile { path, source }),
    }
}

fn store(directory: &Path, path: &Path, key: &[u8; KEY_LENGTH]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(key)?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    linked?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::fs::PermissionsExt;

    fn sealer(seed: u8) -> Sealer {
        Sealer::with_key(&[seed; KEY_LENGTH]).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_again_and_seals_alike(content in any::<Vec<u8>>()) {
            let sealer = sealer(1);
            let name = sealer.name(&content);
            let sealed = sealer.seal(&name, &content);
            prop_assert_eq!(&sealer.seal(&name, &content), &sealed);
            prop_assert_eq!(sealer.open(&name, &sealed).unwrap(), content);
        }

        #[test]
        fn a_flipped_bit_is_refused(content in any::<Vec<u8>>(), place: usize) {
            let sealer = sealer(1);
            let name = sealer.name(&content);
            let mut sealed = sealer.seal(&name, &content);
            let place = place % (sealed.len() * 8);
            sealed[place / 8] ^= 1 << (place % 8);
            prop_assert!(sealer.open(&name, &sealed).is_err());
        }

        #[test]
        fn a_shortened_seal_is_refused(content in any::<Vec<u8>>(), length: usize) {
            let sealer = sealer(1);
            let name = sealer.name(&content);
            let sealed = sealer.seal(&name, &content);
            prop_assert!(sealer.open(&name, &sealed[..length % sealed.len()]).is_err());
        }
    }

    #[test]
    fn another_key_or_name_opens_nothing() {
        let name = sealer(1).name(b"a manifest");
        let sealed = sealer(1).seal(&name, b"a manifest");
        let error = sealer(2).open(&name, &sealed).unwrap_err();
        assert!(error.to_string().contains("does not match the key file"), "{error}");
        assert!(sealer(1).open(&sealer(1).name(b"other"), &sealed).is_err());
        assert_ne!(sealer(2).name(b"a manifest"), name);
    }

    #[test]
    fn a_key_file_is_created_once_and_for_its_owner_only() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("state");
        let name = Sealer::in_directory(&directory).unwrap().name(b"content");
        assert_eq!(Sealer::in_directory(&directory).unwrap().name(b"content"), name);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&directory), 0o700);
        assert_eq!(mode(&directory.join(KEY_FILE_NAME)), 0o600);
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_file_that_is_no_key_is_refused() {
        for length in [0, 31, 33] {
            let directory = tempfile::tempdir().unwrap();
            std::fs::write(directory.path().join(KEY_FILE_NAME), vec![7; length]).unwrap();
            let error = Sealer::in_directory(directory.path()).err().unwrap();
            assert!(matches!(error, SealError::KeyLength { found, .. } if found == length));
        }
    }
}
