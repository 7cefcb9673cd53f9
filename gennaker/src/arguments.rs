//! What can be said on the command line.

use crate::{client::Client, completion, list::Which, test_trigger::Tried};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;
use std::path::PathBuf;

/// Delivers by pipelines: runs them, waits with them, and survives its own death.
///
/// Exit codes: 0 all is well, 1 an error, 2 wrong usage, 3 a file is invalid or a run of one, 5 a
/// run ended without success, 130 interrupted.
#[derive(Parser)]
#[command(name = "gennaker", version)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args)]
pub(crate) struct Common {
    /// Where runs are kept [default: $XDG_STATE_HOME/gennaker]
    #[arg(long, global = true, env = "GENNAKER_STATE", value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// How to reach the cluster [default: $KUBECONFIG, ~/.kube/config, the pod's own account]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig [default: its current one]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Let the kubeconfig run programs to get credentials; it can run any
    #[arg(long, global = true)]
    pub(crate) allow_exec_plugins: bool,
    /// The engine to ask, instead of the state directory's: unix:/path/engine.sock, or
    /// http://127.0.0.1:7080 to read
    #[arg(long, global = true, env = "GENNAKER_SERVER", value_name = "SERVER")]
    pub(crate) server: Option<Client>,
    /// A group whose members may talk to the engine by its socket, beside its own user
    #[arg(long, global = true, env = "GENNAKER_SOCKET_GROUP", value_name = "GROUP")]
    pub(crate) socket_group: Option<String>,
    /// The platform's file [default: gennaker.yaml of the current folder, if there is one]
    #[arg(long, global = true, env = "GENNAKER_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A folder with one file for each secret
    #[arg(long, global = true, env = "GENNAKER_SECRETS_DIRECTORY", value_name = "DIR")]
    pub(crate) secrets_directory: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check pipeline files and tell every fault, without touching anything
    Validate {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
        /// Let warnings count as errors
        #[arg(long)]
        strict: bool,
    },
    /// Show what a pipeline would do: its stages in order, defaults filled in
    Plan {
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The value of a parameter; may be given several times
        #[arg(short, long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
        parameters: Vec<(String, String)>,
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Draw what a pipeline would do
    Graph {
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[arg(short, long, value_enum, default_value_t = Drawing::Mermaid)]
        output: Drawing,
    },
    /// Say what a diagnostic's code means, and what to do
    Explain {
        /// Such as E002; all of them without one
        code: Option<String>,
    },
    /// Write a first pipeline into the folder's `.gennaker/`, for the manifests that it has
    Init {
        /// What the pipeline is called [default: the folder's name]
        name: Option<String>,
    },
    /// Look at the platform's file
    Config {
        #[command(subcommand)]
        what: Config,
    },
    /// Print the JSON Schema of pipeline files or of gennaker.yaml (draft 7), for editors
    Schema {
        #[arg(long, value_enum, default_value_t = SchemaKind::Pipeline)]
        kind: SchemaKind,
    },
    /// Write the completion script of a shell
    Completion {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Run pipelines, and whatever is unfinished beside them, until they have ended
    Run {
        /// Pipeline files, or folders with one pipeline; or pipelines of sources by their names, if an
        /// engine serves them
        #[arg(required = true, value_name = "FILE|DIR|APPLICATION/PIPELINE")]
        files: Vec<PathBuf>,
        /// A branch of the source, a tag, or a commit [default: the newest whole version of the
        /// default branch]
        #[arg(long = "ref", value_name = "REF")]
        reference: Option<String>,
        /// The value of a parameter; may be given several times
        #[arg(short, long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
        parameters: Vec<(String, String)>,
        /// Show each change while it happens
        #[arg(long)]
        watch: bool,
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Do a run again from its beginning, by the files that were kept with it
    Rerun {
        /// A run: its id, `checkout#12`, or `latest`
        #[arg(add = ArgValueCompleter::new(completion::runs))]
        run: String,
        /// Another value of a parameter; may be given several times
        #[arg(short, long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
        parameters: Vec<(String, String)>,
        /// Show each change while it happens
        #[arg(long)]
        watch: bool,
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// List things
    Get {
        #[command(subcommand)]
        what: Get,
    },
    /// Show one thing whole
    Describe {
        #[command(subcommand)]
        what: Describe,
    },
    /// Do something with what has arrived
    Deliveries {
        #[command(subcommand)]
        what: Deliveries,
    },
    /// Drive runs and listen on the state directory's socket until told to leave
    Serve {
        /// Let programs of this machine read by this address too, such as 127.0.0.1:7080
        #[arg(long, value_name = "ADDRESS", value_parser = loopback)]
        listen: Option<std::net::SocketAddr>,
    },
    /// Say yes to an approval
    Approve {
        #[command(flatten)]
        said: Answered,
        /// A value that the approval asks for; may be given several times
        #[arg(short, long = "input", value_name = "NAME=VALUE", value_parser = parameter)]
        inputs: Vec<(String, String)>,
    },
    /// Say no to an approval
    Reject(Answered),
    /// Try a held stage again; or a run that has ended, as a new one that takes over what succeeded
    Retry {
        #[command(flatten)]
        said: Answered,
        /// Go on although other runs have written to its targets since
        #[arg(long)]
        confirm: bool,
        /// Show each change of the new run while it happens
        #[arg(long)]
        watch: bool,
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Let a held stage stay failed, and go on as if it did not count
    Continue(Answered),
    /// Take the environment of a held stage back to what was good there
    #[command(name = "roll-back")]
    RollBack(Answered),
    /// Stop the run for a held stage
    Abort(Answered),
    /// Say what happened, to a stage that cannot tell; or whether a run goes on with which the
    /// engine died
    Answer {
        answer: Fact,
        #[command(flatten)]
        said: Answered,
    },
    /// Cancel a run; what is deployed stays
    Cancel {
        #[command(flatten)]
        told: Told,
        /// Bring back what the run has changed, wherever it has
        #[arg(long, conflicts_with = "force")]
        rollback: bool,
        /// Stop a way back too; it is left half-way
        #[arg(long)]
        force: bool,
    },
    /// Bring an environment back to what an application ran there before, ahead of all others
    Rollback {
        application: String,
        /// Where
        #[arg(long = "env", value_name = "ENVIRONMENT")]
        environment: String,
        /// `lastGood`, `previous` or the number of a revision [default: lastGood]
        #[arg(long)]
        to: Option<String>,
        /// The one component to bring back [default: all]
        #[arg(long)]
        component: Option<String>,
        /// Show each change while it happens
        #[arg(long)]
        watch: bool,
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Let nothing new start in a run; what runs finishes, and targets are kept
    Pause(Told),
    /// Let a paused run go on
    Resume(Told),
    /// Show a run from its beginning, and each change until it has ended
    Watch {
        #[arg(add = ArgValueCompleter::new(completion::runs))]
        run: String,
    },
    /// Wait until a run has ended; its exit code is the run's
    Wait {
        #[arg(add = ArgValueCompleter::new(completion::runs))]
        run: String,
        /// Give up after this time, such as `15m`
        #[arg(long, value_name = "TIME")]
        timeout: Option<engine_core::language::Duration>,
    },
    /// Say what the triggers of a file would make of a payload; asks nobody, and starts nothing
    TestTrigger(Tried),
    /// Say in a sentence why stages wait, failed or were left out; or what became of a commit or an
    /// image, or why nothing did
    Why {
        /// A run; or a commit, by 7 of its digits or more, or an image, such as `host/name:tag`
        #[arg(value_name = "RUN|COMMIT|IMAGE", add = ArgValueCompleter::new(completion::runs))]
        run: String,
        #[arg(add = ArgValueCompleter::new(completion::stages))]
        stage: Option<String>,
    },
    /// Show what the programs of a run's stages print
    Logs {
        #[arg(add = ArgValueCompleter::new(completion::runs))]
        run: String,
        /// One stage [default: all]
        #[arg(add = ArgValueCompleter::new(completion::stages))]
        stage: Option<String>,
        /// Stay, and show lines as they are printed
        #[arg(short, long)]
        follow: bool,
        /// Only the last lines of what is there already
        #[arg(long, value_name = "N")]
        tail: Option<usize>,
    },
    /// Drive every unfinished run of the state directory until all have ended
    Recover {
        #[arg(long)]
        watch: bool,
    },
    /// Check what this program needs: state, engine, clusters, rights, clocks, secrets, pipelines
    Doctor {
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Show the version
    Version {
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
}

/// What is said to a whole run.
#[derive(Args)]
pub(crate) struct Told {
    /// A run: its id, `checkout#12`, or `latest`
    #[arg(add = ArgValueCompleter::new(completion::runs))]
    pub(crate) run: String,
    /// Why
    #[arg(short, long, default_value = "")]
    pub(crate) message: String,
}

/// What is said to a stage.
#[derive(Args)]
pub(crate) struct Answered {
    /// A run: its id, `checkout#12`, or `latest`
    #[arg(add = ArgValueCompleter::new(completion::runs))]
    pub(crate) run: String,
    /// The stage [default: the one that asks]
    #[arg(add = ArgValueCompleter::new(completion::stages))]
    pub(crate) stage: Option<String>,
    /// Why
    #[arg(short, long, default_value = "")]
    pub(crate) message: String,
    /// The attempt that was looked at: if the stage is at another one, nothing is said to it
    /// [default: the present one]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) attempt: Option<u32>,
}

fn loopback(text: &str) -> Result<std::net::SocketAddr, String> {
    let address: std::net::SocketAddr =
        text.parse().map_err(|_| "write it as `127.0.0.1:7080` or `[::1]:7080`".to_owned())?;
    match address.ip().is_loopback() {
        true => Ok(address),
        false => Err("nobody who comes by a network can be told apart yet, so only 127.0.0.1 and \
                      [::1] are listened on"
            .to_owned()),
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("write it as `name=value`".to_owned()),
    }
}

#[derive(Subcommand)]
pub(crate) enum Config {
    /// Tell every fault of gennaker.yaml and of the files that it includes
    Validate,
    /// Print each value that holds; secrets only by name
    View {
        /// Say of each where it comes from
        #[arg(long)]
        show_origin: bool,
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
}

#[derive(Subcommand)]
pub(crate) enum Get {
    /// Runs, newest first
    Runs {
        #[command(flatten)]
        asked: Which,
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Pipelines of the current folder, and those that have run, each with its last run
    Pipelines {
        /// Only those of an application
        #[arg(long, value_name = "NAME")]
        application: Option<String>,
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// What has arrived, newest first, and what became of it, or why nothing
    Deliveries {
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
}

#[derive(Subcommand)]
pub(crate) enum Deliveries {
    /// Have one looked at again, as what it said then: what it starts now is started, though the
    /// same was started before
    Replay {
        #[arg(add = ArgValueCompleter::new(completion::deliveries))]
        id: u64,
        /// Stay until it is decided, however long that takes
        #[arg(short, long)]
        watch: bool,
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
}

#[derive(Subcommand)]
pub(crate) enum Describe {
    /// A run: its id, a unique beginning or end of it, `checkout#12`, or `latest`
    Run {
        #[arg(add = ArgValueCompleter::new(completion::runs))]
        run: String,
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// A delivery: what came, and what became of it for each trigger
    Delivery {
        #[arg(add = ArgValueCompleter::new(completion::deliveries))]
        id: u64,
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// A receiver of gennaker.yaml, or a pipeline's own address, `shop/built`: what came, and what was
    /// refused
    Receiver {
        name: String,
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
}

/// Which files a schema is of.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaKind {
    Pipeline,
    /// The platform's file, gennaker.yaml
    Config,
}

/// The answer to a question of fact.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fact {
    Yes,
    No,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Table,
    /// A table with more columns
    Wide,
    Json,
    Yaml,
    /// Only what things are called, one a line
    Name,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Drawing {
    Dot,
    Mermaid,
    Svg,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Human,
    Json,
    /// SARIF 2.1.0, for code hosts and editors
    Sarif,
    /// Workflow commands of GitHub Actions
    Github,
}
