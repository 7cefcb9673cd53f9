//! Finds the way to a cluster as kubectl does: flag, `KUBECONFIG`, home folder, the pod's own account.

use crate::error::chain;
use kube::{
    Config,
    config::{AuthInfo, KubeConfigOptions, Kubeconfig},
};
use std::path::{Path, PathBuf};

/// What was said about the way to the cluster.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Read instead of what `KUBECONFIG` names.
    pub file: Option<PathBuf>,
    /// Used instead of the current context.
    pub context: Option<String>,
    pub plugins: Plugins,
}

/// Whether a kubeconfig may run programs to get credentials: it can run any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plugins {
    #[default]
    Refused,
    Allowed,
}

/// The way to one cluster.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub context: String,
    pub server: String,
    pub config: Config,
}

#[derive(Debug, thiserror::Error)]
pub enum KubeconfigError {
    #[error(
        "no cluster is known: set KUBECONFIG, use --kubeconfig, or write ~/.kube/config ({reason})"
    )]
    None { reason: String },
    #[error("the kubeconfig cannot be read: {reason}")]
    Unreadable { reason: String },
    #[error("the kubeconfig has no context `{context}`; it has {}", list(.known))]
    UnknownContext { context: String, known: Vec<String> },
    #[error("the kubeconfig has no current context: name one of {} by --context", list(.known))]
    NoContext { known: Vec<String> },
    #[error(
        "context `{context}` gets its credentials from the program `{program}`: a kubeconfig can \
         run any program, so allow it by --allow-exec-plugins if you trust the file"
    )]
    Plugin { context: String, program: String },
}

/// Larger kubeconfigs are not read.
const FILE_BYTES: u64 = 1024 * 1024;

/// The context that a pod's own service account stands for.
const IN_CLUSTER: &str = "in-cluster";

/// Reads the files and follows the chosen context. Reaches no cluster.
pub async fn resolve(choice: &Choice) -> Result<Resolved, KubeconfigError> {
    match read(choice)? {
        Some(kubeconfig) => follow(choice, kubeconfig).await,
        None => in_cluster(),
    }
}

fn read(choice: &Choice) -> Result<Option<Kubeconfig>, KubeconfigError> {
    let unreadable = |error: kube::config::KubeconfigError| KubeconfigError::Unreadable {
        reason: chain(&error),
    };
    let from = |file: &Path| {
        bounded(file)?;
        Kubeconfig::read_from(file).map(Some).map_err(unreadable)
    };
    if let Some(file) = &choice.file {
        return from(file);
    }
    let named = std::env::var_os("KUBECONFIG").unwrap_or_default();
    std::env::split_paths(&named).try_for_each(|file| bounded(&file))?;
    if let Some(merged) = Kubeconfig::from_env().map_err(unreadable)? {
        return Ok(Some(merged));
    }
    let home = std::env::home_dir().map(|home| home.join(".kube").join("config"));
    match home.filter(|file| file.is_file()) {
        Some(file) => from(&file),
        None => Ok(None),
    }
}

/// Refuses a file that no kubeconfig is as large as; what is not there is told elsewhere.
fn bounded(file: &Path) -> Result<(), KubeconfigError> {
    let bytes = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
    if bytes <= FILE_BYTES {
        return Ok(());
    }
    let file = file.display();
    let reason = format!("{file} has {bytes} bytes, a kubeconfig has at most {FILE_BYTES}");
    Err(KubeconfigError::Unreadable { reason })
}

async fn follow(choice: &Choice, kubeconfig: Kubeconfig) -> Result<Resolved, KubeconfigError> {
    let known: Vec<String> =
        kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let context = match (&choice.context, kubeconfig.current_context.clone()) {
        (Some(chosen), _) => chosen.clone(),
        (None, Some(current)) if !current.is_empty() => current,
        (None, Some(_) | None) => return Err(KubeconfigError::NoContext { known }),
    };
    if !known.contains(&context) {
        return Err(KubeconfigError::UnknownContext { context, known });
    }
    match choice.plugins {
        Plugins::Refused => refuse_plugins(&kubeconfig, &context)?,
        Plugins::Allowed => {}
    }
    let options = KubeConfigOptions { context: Some(context.clone()), ..Default::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| KubeconfigError::Unreadable { reason: chain(&error) })?;
    Ok(Resolved { context, server: config.cluster_url.to_string(), config })
}

fn in_cluster() -> Result<Resolved, KubeconfigError> {
    let config =
        Config::incluster().map_err(|error| KubeconfigError::None { reason: chain(&error) })?;
    let server = config.cluster_url.to_string();
    Ok(Resolved { context: IN_CLUSTER.to_owned(), server, config })
}

fn refuse_plugins(kubeconfig: &Kubeconfig, context: &str) -> Result<(), KubeconfigError> {
    let named = kubeconfig.contexts.iter().find(|known| known.name == context);
    let user = named.and_then(|named| named.context.as_ref()?.user.clone());
    let users = kubeconfig.auth_infos.iter().filter(|known| Some(&known.name) == user.as_ref());
    let program = users.filter_map(|user| program(user.auth_info.as_ref()?)).next();
    match program {
        Some(program) => Err(KubeconfigError::Plugin { context: context.to_owned(), program }),
        None => Ok(()),
    }
}

/// The program that would be run for credentials, by either of the two ways there are.
fn program(user: &AuthInfo) -> Option<String> {
    let exec = user.exec.as_ref().map(|exec| exec.command.clone().unwrap_or_default());
    let legacy = user.auth_provider.as_ref().map(|provider| provider.name.clone());
    exec.or(legacy)
}

fn list(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubeconfig(user: &str) -> Kubeconfig {
        let text = format!(
            "{{apiVersion: v1, kind: Config, current-context: dev, \
             contexts: [{{name: dev, context: {{cluster: c, user: u}}}}, {{name: prod, context: {{cluster: c, user: v}}}}], \
             clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:1'}}}}], \
             users: [{{name: u, user: {user}}}, {{name: v, user: {{token: t}}}}]}}"
        );
        Kubeconfig::from_yaml(&text).unwrap()
    }

    #[test]
    fn a_program_that_a_context_would_run_is_refused_by_its_name() {
        let exec = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: rm, interactiveMode: Never}}";
        for user in [exec, "{auth-provider: {name: rm, config: {cmd-path: rm}}}"] {
            let refused = refuse_plugins(&kubeconfig(user), "dev").unwrap_err().to_string();
            assert!(
                refused.contains("`rm`") && refused.contains("--allow-exec-plugins"),
                "{refused}"
            );
            // Only the chosen context's user matters.
            assert!(refuse_plugins(&kubeconfig(user), "prod").is_ok());
        }
    }

    #[tokio::test]
    async fn a_context_is_the_chosen_one_or_the_current_one() {
        let follow = async |context: Option<&str>| {
            let choice = Choice { context: context.map(str::to_owned), ..Choice::default() };
            follow(&choice, kubeconfig("{token: t}")).await
        };
        assert_eq!(follow(None).await.unwrap().context, "dev");
        assert_eq!(follow(Some("prod")).await.unwrap().context, "prod");
        let unknown = follow(Some("stage")).await.unwrap_err().to_string();
        assert_eq!(unknown, "the kubeconfig has no context `stage`; it has `dev`, `prod`");
    }
}
