//! Against Debian's registry: what images are pushed to by everybody's tools.

use crate::{client, reference, repository, secret, with};
use artifacts::registry::{
    Kind, Listing, Platform, Registries, RegistryError, Settings, Standing, TagsFrom,
};
use registry_server::{Authority, Door, Image, Options, Registry, Tokens};

#[tokio::test]
async fn a_tag_has_the_digest_that_was_pushed_and_a_digest_stays_itself() {
    let registry = Registry::start();
    let pushed = registry.push(&Image::new("one"), "shop/web:v1");
    let registries = Registries::default();
    let name = format!("{}/shop/web", registry.host);
    let v1 = reference(&format!("{name}:v1"));
    assert_eq!(registries.resolve(&v1, None).await, Ok(pushed.clone()));
    assert_eq!(registries.standing(&v1.repository), Standing::Other);

    let moved = registry.push(&Image::new("two"), "shop/web:v1");
    assert_ne!(moved, pushed);
    assert_eq!(registries.resolve(&v1, None).await, Ok(moved));
    let pinned = reference(&format!("{name}:v1@{pushed}"));
    assert_eq!(registries.resolve(&pinned, None).await, Ok(pushed.clone()), "the tag has moved on");
    let read = registries.manifest(&pinned).await.unwrap();
    assert_eq!(read.digest, pushed);
    let described = registries.described(&pinned).await.unwrap();
    assert_eq!(described, (pushed, vec![Platform::parse("linux/amd64").unwrap()]));
    for missing in ["shop/web:v2", "shop/none:v1"] {
        let missing = reference(&format!("{}/{missing}", registry.host));
        let error = registries.resolve(&missing, None).await;
        assert!(matches!(error, Err(RegistryError::Missing { .. })), "{error:?}");
    }
}

#[tokio::test]
async fn an_index_is_resolved_whole_unless_a_platform_is_asked_for() {
    let registry = Registry::start();
    let image = Image::multi("both", &["linux/amd64", "linux/arm64/v8"]);
    let index = registry.push(&image, "shop/web:v1");
    let single = registry.push(&Image::new("one"), "shop/web:v2");
    let registries = Registries::default();
    let v1 = reference(&format!("{}/shop/web:v1", registry.host));
    let v2 = reference(&format!("{}/shop/web:v2", registry.host));
    let arm = Platform::parse("linux/arm64").unwrap();
    let amd = Platform::parse("linux/amd64").unwrap();
    assert_eq!(registries.resolve(&v1, None).await, Ok(index));
    assert_eq!(registries.resolve(&v1, Some(&arm)).await, Ok(image.digest_for("linux/arm64/v8")));
    assert_eq!(registries.resolve(&v2, Some(&amd)).await, Ok(single));
    let refused = registries.resolve(&v2, Some(&arm)).await.unwrap_err().to_string();
    assert!(
        refused.ends_with("the image is for linux/amd64, and not for linux/arm64"),
        "{refused}"
    );
    let described = registries.described(&v1).await.unwrap().1;
    assert_eq!(
        described.iter().map(Platform::to_string).collect::<Vec<_>>(),
        ["linux/amd64", "linux/arm64/v8"]
    );
    let built = registries.created(&v1, Some(&arm)).await.unwrap();
    assert_eq!(built.to_string(), "2024-01-01T00:00:00Z");
}

#[tokio::test]
async fn ten_thousand_tags_come_whole_from_a_registry_that_knows_no_pages() {
    let registry = Registry::start();
    let digest = registry.push(&Image::new("one"), "shop/web:v1");
    registry.tag("shop/web", &digest, (0..10_000).map(|number| format!("1.0.{number}")));
    let repository = repository(&registry.host, "shop/web");
    let listed = Registries::default().tags(&repository, TagsFrom::Start).await.unwrap();
    let Listing::Page(page) = listed else { panic!("nothing was known before") };
    let mut tags = page.tags;
    tags.sort_unstable();
    tags.dedup();
    assert_eq!((tags.len(), page.next), (10_001, None));
}

#[tokio::test]
async fn a_password_opens_what_a_wrong_one_does_not() {
    let pair = "deployer:of the test".to_owned();
    let registry = Registry::with(Options {
        door: Door::Password { pair: pair.clone() },
        ..Options::default()
    });
    let pushed = registry.push(&Image::new("one"), "shop/web:v1");
    let v1 = reference(&format!("{}/shop/web:v1", registry.host));
    let right = client(&registry.host, with(secret(&pair)));
    for _ in 0..2 {
        assert_eq!(right.resolve(&v1, None).await, Ok(pushed.clone()));
    }
    assert_eq!(right.described(&v1).await.unwrap().0, pushed);
    for wrong in [with(secret("deployer:guess")), with(secret("token")), Settings::default()] {
        let error = client(&registry.host, wrong).resolve(&v1, None).await.unwrap_err();
        assert!(matches!(error, RegistryError::Unauthorised { .. }), "{error:?}");
        assert!(!error.to_string().contains("guess"), "{error}");
    }
}

#[tokio::test]
async fn a_token_is_fetched_from_the_server_that_the_registry_names_and_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let pair = "deployer:of the test".to_owned();
    let tokens = Tokens::start(&authority, &pair);
    let door = Door::Tokens {
        realm: tokens.realm(),
        bundle: authority.certificate.clone(),
        pair: pair.clone(),
    };
    let registry = Registry::with(Options { door, ..Options::default() });
    let pushed = registry.push(&Image::new("one"), "shop/web:v1");
    let before = tokens.server.heard().len();
    let registries = client(&registry.host, with(secret(&pair)));
    let v1 = reference(&format!("{}/shop/web:v1", registry.host));
    assert_eq!(registries.resolve(&v1, None).await, Ok(pushed.clone()));
    assert_eq!(registries.described(&v1).await.unwrap().0, pushed);
    assert!(registries.tags(&v1.repository, TagsFrom::Start).await.is_ok());
    let asked = tokens.server.heard().split_off(before);
    assert_eq!(asked.len(), 1, "one token for the repository");
    assert!(
        asked[0].line().contains("scope=repository%3Ashop%2Fweb%3Apull"),
        "{}",
        asked[0].line()
    );

    let wrong = client(&registry.host, with(secret("deployer:guess")));
    let error = wrong.resolve(&v1, None).await.unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorised { .. }), "{error:?}");
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_it_is_named_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let registry = Registry::with(Options::tls(&authority));
    let pushed = registry.push(&Image::new("one"), "shop/web:v1");
    let v1 = reference(&format!("{}/shop/web:v1", registry.host));
    let trusting = Settings { certificate_authority: Some(authority.pem()), ..Settings::default() };
    let registries = client(&registry.host, trusting.clone());
    assert_eq!(registries.resolve(&v1, None).await, Ok(pushed));

    let other = tempfile::tempdir().unwrap();
    let stranger = Authority::new(other.path()).pem();
    let settings = Settings { certificate_authority: Some(stranger), ..trusting };
    let error = client(&registry.host, settings).resolve(&v1, None).await.unwrap_err();
    assert!(matches!(error, RegistryError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().to_lowercase().contains("certificate"), "{error}");
}

#[tokio::test]
async fn a_registry_that_is_down_is_unreachable_and_found_again_when_it_is_back() {
    let mut registry = Registry::start();
    let pushed = registry.push(&Image::new("one"), "shop/web:v1");
    let v1 = reference(&format!("{}/shop/web:v1", registry.host));
    let registries = Registries::default();
    assert_eq!(registries.resolve(&v1, None).await, Ok(pushed.clone()));
    registry.stop();
    for _ in 0..5 {
        let error = registries.resolve(&v1, None).await.unwrap_err();
        assert!(error.again().is_some(), "{error:?}");
    }
    registry.restart();
    let again = registries.resolve(&v1, None).await.unwrap_err().again().unwrap();
    tokio::time::sleep(again).await;
    assert_eq!(registries.resolve(&v1, None).await, Ok(pushed));
}

#[tokio::test]
async fn a_chart_in_a_registry_is_told_from_an_image() {
    let registry = Registry::start();
    let pushed = registry.push(&Image::chart("1.2.3"), "charts/web:1.2.3");
    let chart = reference(&format!("{}/charts/web:1.2.3", registry.host));
    let manifest = Registries::default().manifest(&chart).await.unwrap();
    let Kind::Image { config_type, .. } = manifest.kind else { panic!("{manifest:?}") };
    assert_eq!(
        (manifest.digest, config_type.as_str()),
        (pushed.clone(), "application/vnd.cncf.helm.config.v1+json")
    );
    assert_eq!(Registries::default().described(&chart).await, Ok((pushed, Vec::new())));
}
