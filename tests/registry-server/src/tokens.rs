//! A server that gives out tokens for a registry, signed as the registry wants them.

use crate::{
    Authority,
    web::{Reply, Request, Server},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

pub const SERVICE: &str = "registry.test";
pub const ISSUER: &str = "tokens.test";

/// The server. Whoever shows the pair may pull and push what is asked for.
pub struct Tokens {
    pub server: Server,
}

impl Tokens {
    pub fn start(authority: &Authority, pair: &str) -> Tokens {
        let (key, certificate) = (authority.pkcs8(), bare(&authority.pem()));
        let wanted = format!("Basic {}", STANDARD.encode(pair));
        let server = Server::start(move |request| {
            if request.header("authorization") != Some(&wanted) {
                return Reply::json(401, "{}");
            }
            let token = signed(&key, &certificate, claims(request));
            Reply::json(200, &json!({"token": token, "expires_in": 300}).to_string())
        });
        Tokens { server }
    }

    pub fn realm(&self) -> String {
        format!("http://{}/token", self.server.address)
    }
}

/// The base64 of a PEM file of one certificate.
fn bare(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}

fn claims(request: &Request) -> Value {
    let query = request.line().split_once('?').map_or("", |(_, query)| query);
    let scope = query.split('&').find_map(|it| it.strip_prefix("scope=")).unwrap_or_default();
    let scope = scope.replace("%3A", ":").replace("%2F", "/").replace("%2C", ",");
    let parts: Vec<&str> = scope.split(':').collect();
    let access = match parts.as_slice() {
        [kind, name, actions] => {
            json!([{"type": kind, "name": name, "actions": actions.split(',').collect::<Vec<_>>()}])
        }
        _ => json!([]),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    json!({
        "iss": ISSUER, "aud": SERVICE, "sub": "test", "jti": format!("{now}-{scope}"), "access": access,
        "nbf": now - 5, "iat": now - 5, "exp": now + 300,
    })
}

fn signed(key: &[u8], certificate: &str, claims: Value) -> String {
    let encoded = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"typ": "JWT", "alg": "ES256", "x5c": [certificate]});
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key, &random).unwrap();
    let signature = key.sign(&random, message.as_bytes()).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}
