//! A server, a repository on it, and a mirror of that.

use artifacts::git::{
    Allowance, Capacity, Credentials, Git, GitError, Limits, Mirror, ObjectId, Origin, PathPattern,
    RefName, RemoteUrl,
};
use git_server::{Repository, Server};
use std::path::PathBuf;
use tempfile::TempDir;

pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) repository: Repository,
    folder: TempDir,
}

impl Bench {
    pub(crate) async fn start() -> Bench {
        let server = Server::start().await;
        let repository = server.repository("shop/checkout");
        Bench { server, repository, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.folder.path().join("checkout")
    }

    pub(crate) fn origin(&self) -> Origin {
        origin(&self.server.url("shop/checkout"))
    }

    pub(crate) async fn open(&self) -> Mirror {
        self.open_with(Limits::default()).await
    }

    pub(crate) async fn open_with(&self, limits: Limits) -> Mirror {
        self.open_as(self.origin(), limits).await.unwrap()
    }

    pub(crate) async fn open_as(&self, origin: Origin, limits: Limits) -> Result<Mirror, GitError> {
        let git = Git::find(Capacity::default()).await.unwrap();
        Mirror::open(&git, &self.directory(), (origin, limits)).await
    }
}

pub(crate) fn origin(url: &str) -> Origin {
    let url = RemoteUrl::parse(url, Allowance::Network).unwrap();
    Origin { url, credentials: Credentials::None, certificate_authority: None }
}

/// Every branch and every tag.
pub(crate) fn all() -> impl Fn(&RefName) -> bool + Send + Sync {
    |_| true
}

pub(crate) fn paths(patterns: &[&str]) -> Vec<PathPattern> {
    patterns.iter().map(|it| PathPattern::parse(it).unwrap()).collect()
}

pub(crate) fn id(text: &str) -> ObjectId {
    ObjectId::parse(text).unwrap()
}

pub(crate) fn branch(name: &str) -> RefName {
    RefName::branch(name).unwrap()
}
