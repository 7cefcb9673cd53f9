//! Whether a body is what its digest says.

use sha2::{Digest, Sha256, Sha384, Sha512};

/// `sha256:…` of a body.
pub(super) fn of(body: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(body)))
}

/// Holds a body against a digest in whatever algorithm that registries use.
pub(super) fn check(body: &[u8], digest: &str) -> Result<(), String> {
    let algorithm = digest.split(':').next().unwrap_or_default();
    let really = match algorithm {
        "sha256" => of(body),
        "sha384" => format!("sha384:{}", hex::encode(Sha384::digest(body))),
        "sha512" => format!("sha512:{}", hex::encode(Sha512::digest(body))),
        _ => return Err(format!("it uses digests of a kind that is not known: `{algorithm}`")),
    };
    match really == digest {
        true => Ok(()),
        false => Err(format!("it says that the digest is {digest}, but it is {really}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_held_against_its_digest_in_every_algorithm() {
        for (digest, right) in [
            ("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", true),
            (
                "sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
                true,
            ),
            ("sha256:aa7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", false),
            ("md5:900150983cd24fb0d6963f7d28e17f72", false),
        ] {
            assert_eq!(check(b"abc", digest).is_ok(), right, "{digest}");
        }
        assert_eq!(check(b"abc", &of(b"abc")), Ok(()));
    }
}
