//! A secret in the path, for those who can send nothing else. Paths are written into logs of proxies;
//! what comes this way is a hint, and the place itself is asked.

use super::{Authorization, Scheme, key, mac};
use engine_core::receiver::{RawRequest, Refused, Verified};

/// `/receivers/NAME/SECRET`, the secret as it stands: letters, digits, `-`, `_`, `.` and `~`.
pub struct PathSecret;

/// `Authorization`, or the path.
pub struct AuthorizationOrPath;

impl Scheme for PathSecret {
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        let path = request.path.trim_matches('/');
        if path.is_empty() {
            return Err(Refused::Missing);
        }
        mac::is_one_of(path.as_bytes(), secrets)?;
        Ok(Verified { key: key(request, &[]), event: None })
    }
}

impl Scheme for AuthorizationOrPath {
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        let by_header = Authorization.verify(request, secrets);
        match (by_header, PathSecret.verify(request, secrets)) {
            (Ok(verified), _) | (Err(_), Ok(verified)) => Ok(verified),
            (Err(Refused::Missing), Err(refused)) | (Err(refused), Err(_)) => Err(refused),
        }
    }
}
