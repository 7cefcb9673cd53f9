//! `dockerHub`: pushes to Docker Hub, which signs nothing and tells no digest: the secret is in the path.

use super::{images, json, text::Word, unreadable};
use crate::verify::{PathSecret, Scheme};
use engine_core::receiver::{Heard, RawRequest, Receiver, Refused, Unreadable, Verified};
use serde::Deserialize;

pub(super) struct DockerHub;

impl Receiver for DockerHub {
    const PROVIDER: &'static str = "dockerHub";

    /// The time of the push is in the body, so equal ones are the same.
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        PathSecret.verify(request, secrets)
    }

    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable> {
        let Pushed { push_data, repository } = json::read(request.body)?;
        let name = format!("docker.io/{}", repository.repo_name.0);
        let image = images::pushed(&name, Some(&push_data.tag.0), None).map_err(unreadable)?;
        Ok(Heard { happenings: vec![image], notes: Vec::new() })
    }
}

#[derive(Deserialize)]
struct Pushed {
    push_data: Push,
    repository: Repository,
}

#[derive(Deserialize)]
struct Push {
    tag: Word,
}

#[derive(Deserialize)]
struct Repository {
    repo_name: Word,
}
