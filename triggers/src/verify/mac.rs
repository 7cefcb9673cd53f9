//! Comparing what was sent with what a secret would have made.

use engine_core::receiver::Refused;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Whether `tag` is the HMAC-SHA256 of `parts`, one after another, under one of `keys`.
pub(super) fn signed(tag: &[u8], keys: &[&[u8]], parts: &[&[u8]]) -> Result<(), Refused> {
    let fits = keys.iter().filter(|key| !key.is_empty()).any(|key| is_signed_by(tag, key, parts));
    if fits { Ok(()) } else { Err(Refused::Bad) }
}

fn is_signed_by(tag: &[u8], key: &[u8], parts: &[&[u8]]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return false };
    for part in parts {
        mac.update(part);
    }
    mac.verify_slice(tag).is_ok()
}

/// The same of a tag that is written in hexadecimal digits.
pub(super) fn signed_hex(hex: &[u8], keys: &[&[u8]], parts: &[&[u8]]) -> Result<(), Refused> {
    let mut tag = [0_u8; 32];
    hex::decode_to_slice(hex, &mut tag).map_err(|_| Refused::Bad)?;
    signed(&tag, keys, parts)
}

/// Whether `presented` is one of `secrets`. Digests are compared, so that not even a length shows.
pub(super) fn is_one_of(presented: &[u8], secrets: &[&[u8]]) -> Result<(), Refused> {
    let presented = Sha256::digest(presented);
    let equal = |secret: &&[u8]| presented.as_slice().ct_eq(Sha256::digest(secret).as_slice());
    let found = secrets.iter().filter(|it| !it.is_empty()).map(equal);
    match found.fold(Choice::from(0), |any, it| any | it).into() {
        true => Ok(()),
        false => Err(Refused::Bad),
    }
}
