//! What an environment lets be done in it.

use super::*;
use crate::{diagnostic::SourceFile, plan::ClusterIdentity};
use serde_json::json;
use std::collections::BTreeMap;

const FILE: &str = "version: 1
environments:
  bare: {cluster: eu}
  shop:
    cluster: eu
    namespace: \"${{ application.name }}-x\"
    namespaces: [jobs]
    clusterKinds: [Namespace, ClusterIssuer.cert-manager.io]
    serviceAccounts: [migrator]
    impersonate: system:serviceaccount:shop:deployer
";

fn platform() -> Platform {
    Platform::read(&SourceFile::new("gennaker.yaml", FILE.as_bytes())).unwrap()
}

fn place(cluster: &str, namespace: &str) -> Place {
    Place {
        cluster: cluster.to_owned(),
        context: String::new(),
        server: String::new(),
        namespace: namespace.to_owned(),
        identity: ClusterIdentity::Unread,
        production: false,
        labels: BTreeMap::new(),
    }
}

fn to<'a>((group, kind): (&'a str, &'a str), namespace: Option<&'a str>) -> Destination<'a> {
    Destination { group, kind, namespace }
}

#[test]
fn an_object_goes_only_where_its_environment_lets_it() {
    let platform = platform();
    let bare = platform.confines(("bare", "web"), &place("eu", "bare")).unwrap();
    let shop = platform.confines(("shop", "web"), &place("eu", "web-x")).unwrap();
    let map = ("", "ConfigMap");
    for (confines, to, is_open) in [
        (&bare, to(map, Some("bare")), true),
        (&bare, to(map, Some("web-x")), false),
        (&bare, to(("", "Namespace"), None), false),
        (&shop, to(map, Some("web-x")), true),
        (&shop, to(map, Some("jobs")), true),
        (&shop, to(map, Some("kube-system")), false),
        (&shop, to(map, Some("jobs-2")), false),
        (&shop, to(("", "Namespace"), None), true),
        (&shop, to(("rbac.authorization.k8s.io", "ClusterRole"), None), false),
        (&shop, to(("cert-manager.io", "ClusterIssuer"), None), true),
        (&shop, to(("evil.example", "ClusterIssuer"), None), false),
        (&Confines::Open, to(("", "Namespace"), None), true),
        (&Confines::Open, to(map, Some("kube-system")), true),
    ] {
        assert_eq!(confines.objections(&json!({}), to).is_empty(), is_open, "{confines:?} {to:?}");
    }
    assert_eq!(shop.impersonated(), Some("system:serviceaccount:shop:deployer"));
    assert_eq!((bare.impersonated(), Confines::Open.impersonated()), (None, None));
}

/// CVE-2026-61549 and CVE-2026-31892: wherever an author may name an account, it is looked at.
/// Against CVE-2026-42296.
#[test]
fn pods_run_as_accounts_of_the_platforms_file_alone_wherever_they_are_named() {
    let platform = platform();
    let shop = platform.confines(("shop", "web"), &place("eu", "web-x")).unwrap();
    let bare = platform.confines(("bare", "web"), &place("eu", "bare")).unwrap();
    let pod = |key: &str, account: &str| json!({ key: account });
    for key in ACCOUNT_KEYS {
        for (wrap, kind) in [
            ((|pod| json!({"spec": pod})) as fn(Value) -> Value, "Pod"),
            (|pod| json!({"spec": {"template": {"spec": pod}}}), "Deployment"),
            (
                |pod| json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}}),
                "CronJob",
            ),
            (|pod| json!({"spec": {"templates": [{"a": pod}]}}), "Workflow"),
            (|pod| json!({"spec": {"artifactGC": pod}}), "Workflow"),
        ] {
            for (account, in_shop, in_bare) in [
                ("migrator", true, false),
                ("default", true, true),
                ("", true, true),
                ("root", false, false),
            ] {
                let object = wrap(pod(key, account));
                let at = |namespace| to(("", kind), Some(namespace));
                assert_eq!(shop.objections(&object, at("web-x")).is_empty(), in_shop, "{object}");
                assert_eq!(bare.objections(&object, at("bare")).is_empty(), in_bare, "{object}");
                assert!(Confines::Open.objections(&object, at("x")).is_empty());
            }
        }
    }
    let data = json!({"data": {"serviceAccountName": "root"}, "spec": {"properties": {"serviceAccountName": {"type": "string"}}}});
    assert!(bare.objections(&data, to(("", "ConfigMap"), Some("bare"))).is_empty());
    let both = json!({"spec": {"serviceAccountName": "root"}});
    assert_eq!(bare.objections(&both, to(("", "Pod"), Some("x"))).len(), 2, "every fault at once");
}

#[test]
fn an_environment_that_is_gone_or_elsewhere_is_closed() {
    let platform = platform();
    let why =
        |environment, place: Place| platform.confines((environment, "web"), &place).unwrap_err();
    assert_eq!(
        why("prod", place("eu", "prod")),
        "gennaker.yaml has no environment `prod` any more"
    );
    for elsewhere in [place("us", "web-x"), place("eu", "bank-x")] {
        assert!(why("shop", elsewhere).contains("is namespace web-x of cluster `eu` now"));
    }
    let open = Platform::Open.confines(("prod", "web"), &place("eu", "prod"));
    assert_eq!(open, Ok(Confines::Open));
}
