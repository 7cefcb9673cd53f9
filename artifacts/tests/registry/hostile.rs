//! Registries that lie, never end, are silent, or want credentials sent elsewhere.

use crate::{client, reference, repository, secret, with};
use artifacts::registry::{Others, Registries, RegistryError, Settings, TagsFrom};
use registry_server::web::{Reply, Server};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

fn image(server: &Server) -> artifacts::Reference {
    reference(&format!("{}/shop/web:v1", server.address))
}

const MANIFEST: &str = r#"{"schemaVersion":2,"config":{"mediaType":"x","digest":"sha256:y"}}"#;

fn manifest(headers: &[String]) -> Reply {
    Reply::With { status: 200, headers: headers.to_vec(), body: MANIFEST.as_bytes().to_vec() }
}

#[tokio::test]
async fn a_digest_that_is_not_the_bodys_is_refused() {
    let digest = |text: &str| vec![format!("docker-content-digest: {text}")];
    for lie in [
        format!("sha256:{}", "a".repeat(64)),
        "sha256:short".to_owned(),
        "nonsense".to_owned(),
        format!("md5:{}", "a".repeat(32)),
    ] {
        let server = Server::start(move |_| manifest(&digest(&lie)));
        let error = Registries::default().manifest(&image(&server)).await.unwrap_err();
        assert!(matches!(error, RegistryError::Refused { .. }), "{error:?}");
    }
    let server = Server::start(|_| manifest(&[]));
    let registries = Registries::default();
    let really = registries.resolve(&image(&server), None).await.unwrap();
    assert_eq!(registries.manifest(&image(&server)).await.unwrap().digest, really);
    let asked: Vec<String> = server.heard().iter().map(|it| it.line().to_owned()).collect();
    assert_eq!(asked[..2], ["HEAD /v2/shop/web/manifests/v1", "GET /v2/shop/web/manifests/v1"]);
    let other = reference(&format!("{}/shop/web@sha256:{}", server.address, "b".repeat(64)));
    let error = registries.manifest(&other).await.unwrap_err();
    assert!(matches!(error, RegistryError::Refused { .. }), "{error:?}");
}

/// CVE-2025-61916, CVE-2026-40924.
#[tokio::test]
async fn an_answer_without_an_end_is_cut() {
    let server = Server::start(|_| Reply::Endless);
    let registries = Registries::default();
    let repository = repository(&server.address, "shop/web");
    let begun = Instant::now();
    let at = format!("http://{}/charts", server.address);
    for error in [
        registries.manifest(&image(&server)).await.unwrap_err(),
        registries.tags(&repository, TagsFrom::Start).await.unwrap_err(),
        registries.charts((&at, "web"), None).await.unwrap_err(),
    ] {
        assert!(matches!(error, RegistryError::TooLarge { .. }), "{error:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    let huge = Server::start(|_| Reply::headers(200, &["content-length: 99999999999"]));
    let error = registries.manifest(&image(&huge)).await.unwrap_err();
    assert!(!matches!(error, RegistryError::Missing { .. }), "{error:?}");
}

/// CVE-2026-40924.
#[tokio::test]
async fn a_registry_that_is_silent_slows_no_other() {
    let silent = Server::start(|_| Reply::Silence);
    let good = Server::start(|_| manifest(&[]));
    let registries = Registries::default();
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let (registries, image) = (registries.clone(), image(&silent));
            tokio::spawn(async move { registries.resolve(&image, None).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    assert!(registries.resolve(&image(&good), None).await.is_ok());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    for answer in waiting {
        let error = answer.await.unwrap().unwrap_err();
        assert!(error.again().is_some(), "{error:?}");
    }
    let begun = Instant::now();
    assert!(registries.resolve(&image(&silent), None).await.unwrap_err().again().is_some());
    assert!(begun.elapsed() < Duration::from_millis(500), "it is left alone for a while");
}

#[tokio::test]
async fn a_registry_that_asks_to_be_left_alone_is_left_alone() {
    let server = Server::start(|_| Reply::headers(429, &["retry-after: 30"]));
    let registries = Registries::default();
    for _ in 0..3 {
        let again = registries.resolve(&image(&server), None).await.unwrap_err().again().unwrap();
        assert!(again > Duration::from_secs(25) && again <= Duration::from_secs(30), "{again:?}");
    }
    assert_eq!(server.heard().len(), 1);
}

/// Whatever a registry answers, credentials reach nobody else.
/// Against CVE-2025-61916.
#[tokio::test]
async fn a_credential_is_never_sent_to_another_host() {
    let thief = Server::start(|_| Reply::json(200, r#"{"token": "stolen"}"#));
    let port = thief.address.split(':').nth(1).unwrap().to_owned();
    let elsewhere = format!("http://localhost:{port}");
    for (status, header) in [
        (401, format!("www-authenticate: Bearer realm=\"{elsewhere}/token\",service=\"x\"")),
        (
            401,
            format!(
                "www-authenticate: Bearer realm=\"{}/token\",service=\"x\"",
                elsewhere.replace("http", "https")
            ),
        ),
        (307, format!("location: {elsewhere}/v2/x")),
        (302, format!("location: {elsewhere}/v2/x")),
    ] {
        let server = Server::start(move |_| Reply::headers(status, &[&header]));
        for value in ["user:hunter2", "hunter2"] {
            let registries = client(&server.address, with(secret(value)));
            drop(registries.resolve(&image(&server), None).await);
            drop(registries.manifest(&image(&server)).await);
            drop(registries.tags(&repository(&server.address, "shop/web"), TagsFrom::Start).await);
        }
    }
    for request in thief.heard() {
        let shown = request.header("authorization");
        assert_eq!(shown, None, "{:?}", request.line());
        assert!(!request.line().contains("/token"), "{}", request.line());
    }
    assert!(!thief.heard().is_empty(), "a redirect is followed, with empty hands");
}

#[tokio::test]
async fn a_password_is_shown_only_when_it_is_asked_for_and_a_page_elsewhere_is_refused() {
    let open = Server::start(|_| manifest(&[]));
    let registries = client(&open.address, with(secret("user:hunter2")));
    assert!(registries.manifest(&image(&open)).await.is_ok());
    assert_eq!(open.heard()[0].header("authorization"), None);

    let paging = Server::start(|_| Reply::With {
        status: 200,
        headers: vec!["link: <http://localhost:1/v2/x/tags/list?last=a>; rel=\"next\"".to_owned()],
        body: br#"{"tags": ["a"]}"#.to_vec(),
    });
    let listed =
        Registries::default().tags(&repository(&paging.address, "shop/web"), TagsFrom::Start).await;
    assert!(matches!(listed, Err(RegistryError::Refused { .. })), "{listed:?}");
}

#[tokio::test]
async fn hosts_that_nobody_declared_are_not_asked_where_that_is_the_rule() {
    let server = Server::start(|_| manifest(&[]));
    let registries = Registries::new(BTreeMap::new(), Others::Refused).unwrap();
    let error = registries.resolve(&image(&server), None).await.unwrap_err();
    assert!(matches!(error, RegistryError::Refused { .. }), "{error:?}");
    assert_eq!(server.heard().len(), 0);
    for host in ["169.254.169.254", "2852039166", "[fd00:ec2::254]"] {
        let metadata = reference(&format!("{host}:80/shop/web:v1"));
        let error = Registries::default().resolve(&metadata, None).await.unwrap_err();
        assert!(matches!(error, RegistryError::Refused { .. }), "{host}: {error:?}");
    }
    let pem = Settings { certificate_authority: Some("not PEM".to_owned()), ..Settings::default() };
    let faults =
        Registries::new(BTreeMap::from([("a.example.com".to_owned(), pem)]), Others::Refused);
    assert_eq!(faults.err().unwrap().len(), 1);
}

#[tokio::test]
async fn an_endless_ring_of_redirects_or_pages_ends() {
    let server = Server::start(|request| {
        let path = request.line().split(' ').nth(1).unwrap().to_owned();
        match path.contains("/tags/") {
            true => Reply::With {
                status: 200,
                headers: vec![format!("link: <{path}>; rel=\"next\"")],
                body: br#"{"tags": null}"#.to_vec(),
            },
            false => Reply::headers(307, &[&format!("location: {path}")]),
        }
    });
    let registries = Registries::default();
    let error = registries.manifest(&image(&server)).await.unwrap_err();
    assert!(matches!(error, RegistryError::Refused { .. }), "{error:?}");
    assert_eq!(server.heard().len(), 4);
    let error = registries.tags(&repository(&server.address, "shop/web"), TagsFrom::Start).await;
    assert!(matches!(error, Err(RegistryError::Refused { .. })), "{error:?}");
}
