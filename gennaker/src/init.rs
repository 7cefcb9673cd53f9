//! `init`: a first pipeline to go on from, which deploys what the folder has.

use crate::exit::Exit;
use anyhow::{Context, bail};
use std::{fs::OpenOptions, io::Write, path::Path};

/// Where manifests are usually kept; the first that is there.
const MANIFESTS: [&str; 5] = ["k8s", "kubernetes", "manifests", "deploy", "deployment"];

/// Never writes over a file that is there.
pub(crate) fn init(name: Option<&str>) -> anyhow::Result<Exit> {
    let folder = std::env::current_dir()?;
    let own = folder.file_name().and_then(|name| name.to_str()).unwrap_or("service");
    let name = as_name(name.unwrap_or(own))?;
    let found = MANIFESTS.into_iter().find(|path| Path::new(path).is_dir());
    let path = Path::new(".gennaker").join(format!("{name}.yaml"));
    std::fs::create_dir_all(".gennaker").context("`.gennaker` cannot be made")?;
    let file = OpenOptions::new().write(true).create_new(true).open(&path);
    let mut file = file.with_context(|| format!("{} cannot be made", path.display()))?;
    file.write_all(text(&name, found.unwrap_or(MANIFESTS[0])).as_bytes())?;
    eprintln!("wrote {}", path.display());
    if found.is_none() {
        eprintln!("put the manifests that it deploys into `{}/`", MANIFESTS[0]);
    }
    eprintln!("next: gennaker validate {0} && gennaker run {0} --watch", path.display());
    Ok(Exit::Success)
}

/// The name as pipelines may have it: `a` to `z`, digits and `-`.
fn as_name(wanted: &str) -> anyhow::Result<String> {
    let letters = wanted.to_ascii_lowercase();
    let kept = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let name: String = letters.chars().map(kept).take(63).collect();
    let name = name.trim_matches('-').to_owned();
    if name.is_empty() {
        bail!("`{wanted}` has no letter that a name can have: say `gennaker init NAME`");
    }
    Ok(name)
}

fn text(name: &str, manifests: &str) -> String {
    format!(
        "# yaml-language-server: $schema=https://gennaker.dev/schema/pipeline/v1.json
version: 1
name: {name}
stages:
  staging:
    environment: {name}-staging           # a namespace of the cluster that kubectl would use
    deploy: {{manifests: [{manifests}/]}}
  goLive:
    needs: [staging]
    approval: {{message: Does staging look right?, excludeTriggerer: false}}
  production:
    needs: [goLive]
    environment: {name}-production
    onFailure: hold                       # a person says what is to become of it
    deploy: {{manifests: [{manifests}/]}}
"
    )
}
