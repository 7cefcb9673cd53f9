//! Standard Webhooks: a list of `v1,BASE64` in `webhook-signature`, over `id.timestamp.body`.

use super::{Scheme, fresh, mac, seconds};
use base64::{Engine, engine::general_purpose::STANDARD};
use engine_core::receiver::{Key, RawRequest, Refused, Verified};

/// What secrets begin with when they are written down.
pub(super) const PREFIX: &[u8] = b"whsec_";
/// More signatures than this nobody sends while a secret is exchanged.
const MAX_SIGNATURES: usize = 16;

/// Secrets are base64, with `whsec_` before it or without; one that is not is taken as it stands.
pub struct StandardWebhooks;

impl Scheme for StandardWebhooks {
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        let header = |name| request.header(name).ok_or(Refused::Missing);
        let (id, timestamp) = (header("webhook-id")?, header("webhook-timestamp")?);
        let signatures = tags(header("webhook-signature")?)?;
        let at = seconds(timestamp).ok_or(Refused::Bad)?;
        let keys: Vec<Vec<u8>> = secrets.iter().map(|secret| bytes_of(secret)).collect();
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let signed = [id, b".".as_slice(), timestamp, b".", request.body];
        let fits = signatures.iter().any(|tag| mac::signed(tag, &keys, &signed).is_ok());
        if !fits {
            return Err(Refused::Bad);
        }
        fresh(request, at)?;
        let id = std::str::from_utf8(id).ok().filter(|id| (1..=200).contains(&id.len()));
        let key = id.map_or(Key::Body, |id| Key::Named(id.to_owned()));
        Ok(Verified { key, event: None })
    }
}

fn bytes_of(secret: &[u8]) -> Vec<u8> {
    let bare = secret.strip_prefix(PREFIX).unwrap_or(secret);
    STANDARD.decode(bare).unwrap_or_else(|_| bare.to_vec())
}

/// Those of the version that is taken. What is no base64 fits nothing.
fn tags(header: &[u8]) -> Result<Vec<Vec<u8>>, Refused> {
    let listed = header.split(|it| *it == b' ').filter(|it| !it.is_empty()).take(MAX_SIGNATURES);
    let ours: Vec<&[u8]> = listed.filter_map(|it| it.strip_prefix(b"v1,")).collect();
    match (header.is_empty(), ours.is_empty()) {
        (true, _) => Err(Refused::Missing),
        (false, true) => Err(Refused::Algorithm),
        (false, false) => Ok(ours.iter().filter_map(|it| STANDARD.decode(it).ok()).collect()),
    }
}
