//! The program: command line and composition root.

mod answer;
mod arguments;
mod await_end;
mod callees;
mod check;
mod client;
mod clusters;
mod completion;
mod configuration;
mod deliveries;
mod describe;
mod doctor;
mod exit;
mod explain;
mod graph;
mod grounds;
mod inbox;
mod init;
mod library;
mod list;
mod logs;
mod mailroom;
mod pipelines;
mod plan;
mod platform;
mod print;
mod read;
mod recover;
mod registries;
mod reload;
mod remote;
mod repeat;
mod roll_back;
mod run;
mod screen;
mod secrets;
mod serve;
mod served;
mod source;
mod sources;
mod state;
mod submit;
mod table;
mod test_trigger;
mod version;
mod watch;

use arguments::{
    Answered, Arguments, Command, Common, Config, Deliveries, Describe, Fact, Get, SchemaKind, Told,
};
use check::Strictness;
use clap::Parser;
use engine_api::MovedOn;
use engine_core::event::{RunAct, Signal};
use exit::Exit;
use std::process::ExitCode;

fn main() -> ExitCode {
    completion::answer();
    let arguments = Arguments::parse();
    screen::to_stderr();
    screen::end_when_unread();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime does not start: {error}");
            return Exit::Error.into();
        }
    };
    let exit = runtime.block_on(carry_out(&arguments));
    // A second Ctrl-C leaves at once: whatever is under way is not waited for.
    runtime.shutdown_background();
    match exit {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            match error.is::<platform::Invalid>() {
                true => Exit::Invalid.into(),
                false => Exit::Error.into(),
            }
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one arm a command")]
async fn carry_out(arguments: &Arguments) -> anyhow::Result<Exit> {
    let common = &arguments.common;
    match &arguments.command {
        Command::Validate { files, format, strict } => {
            let strictness = if *strict { Strictness::Strict } else { Strictness::Usual };
            check::validate(common, files, (*format, strictness)).await
        }
        Command::Plan { file, parameters, output } => {
            plan::plan(common, (file, parameters), *output).await
        }
        Command::Run { files, reference, parameters, watch, output } => {
            run::run(common, (files, reference.as_deref(), parameters), (*watch, *output)).await
        }
        Command::Rerun { run, parameters, watch, output } => {
            repeat::rerun(common, (run, parameters), (*watch, *output)).await
        }
        Command::Get { what: Get::Runs { asked, output } } => {
            list::runs(common, asked, *output).await
        }
        Command::Get { what: Get::Pipelines { application, output } } => {
            pipelines::pipelines(common, application.as_deref(), *output).await
        }
        Command::Get { what: Get::Deliveries { limit, output } } => {
            deliveries::list(common, *limit, *output).await
        }
        Command::Describe { what: Describe::Run { run, output } } => {
            describe::run(common, run, *output).await
        }
        Command::Describe { what: Describe::Delivery { id, output } } => {
            deliveries::describe(common, *id, *output).await
        }
        Command::Describe { what: Describe::Receiver { name, output } } => {
            deliveries::describe_receiver(common, name, *output).await
        }
        Command::Deliveries { what: Deliveries::Replay { id, watch, output } } => {
            deliveries::replay(common, *id, (*watch, *output)).await
        }
        Command::Doctor { output } => doctor::doctor(common, *output).await,
        Command::Recover { watch } => recover::recover(common, *watch).await,
        Command::TestTrigger(tried) => test_trigger::test_trigger(tried),
        Command::Graph { file, output } => graph::graph(common, file, *output).await,
        Command::Explain { code } => explain::explain(code.as_deref()),
        Command::Init { name } => init::init(common, name.as_deref()).await,
        Command::Config { what: Config::Validate } => configuration::validate(common),
        Command::Config { what: Config::View { show_origin, output } } => {
            configuration::view(common, (*show_origin, *output)).await
        }
        Command::Schema { kind } => {
            let registry = clusters::offline();
            let schema = match kind {
                SchemaKind::Pipeline => engine_core::language::published_schema(&registry),
                SchemaKind::Config => engine_core::platform::Platform::schema(),
            };
            println!("{schema:#}");
            Ok(Exit::Success)
        }
        Command::Completion { shell } => {
            completion::script(*shell)?;
            Ok(Exit::Success)
        }
        Command::Serve { listen } => serve::serve(common, *listen).await,
        Command::Approve { said, inputs } => said.approve(common, inputs).await,
        Command::Reject(said) => said.signal(common, Signal::Reject).await,
        Command::Retry { said, confirm, watch, output } => {
            let moved_on = if *confirm { MovedOn::Confirmed } else { MovedOn::Refused };
            repeat::retry(common, (said, moved_on), (*watch, *output)).await
        }
        Command::RollBack(said) => said.signal(common, Signal::RollBack).await,
        Command::Continue(said) => said.signal(common, Signal::Continue).await,
        Command::Abort(said) => said.signal(common, Signal::Abort).await,
        Command::Answer { answer: Fact::Yes, said } => said.signal(common, Signal::Yes).await,
        Command::Answer { answer: Fact::No, said } => said.signal(common, Signal::No).await,
        Command::Cancel { told, rollback: true, .. } => {
            roll_back::cancel(common, (&told.run, &told.message)).await
        }
        Command::Cancel { told, force: false, .. } => told.tell(common, RunAct::Cancel).await,
        Command::Cancel { told, force: true, .. } => told.tell(common, RunAct::ForceCancel).await,
        Command::Rollback { application, environment, to, component, watch, output } => {
            let wanted = engine_api::RollBack {
                application: application.clone(),
                environment: environment.clone(),
                to: to.as_deref().map(roll_back::to),
                component: component.clone(),
            };
            roll_back::roll_back(common, wanted, (*watch, *output)).await
        }
        Command::Pause(told) => told.tell(common, RunAct::Pause).await,
        Command::Resume(told) => told.tell(common, RunAct::Resume).await,
        Command::Watch { run } => await_end::watch(common, run).await,
        Command::Wait { run, timeout } => await_end::wait(common, run, *timeout).await,
        Command::Why { run, stage } => answer::why(common, run, stage.as_deref()).await,
        Command::Logs { run, stage, follow, tail } => {
            let (stage, follow, tail) = (stage.as_deref(), *follow, *tail);
            logs::logs(common, logs::Wanted { run, stage, follow, tail }).await
        }
        Command::Version { output } => version::version(*output),
    }
}

impl Told {
    async fn tell(&self, common: &Common, act: RunAct) -> anyhow::Result<Exit> {
        answer::tell(common, act, (&self.run, &self.message)).await
    }
}

impl Answered {
    pub(crate) async fn signal(&self, common: &Common, signal: Signal) -> anyhow::Result<Exit> {
        answer::signal(common, signal, self.said(&[])).await
    }

    async fn approve(&self, common: &Common, inputs: &[(String, String)]) -> anyhow::Result<Exit> {
        answer::signal(common, Signal::Approve, self.said(inputs)).await
    }

    fn said(&self, inputs: &[(String, String)]) -> answer::Said<'_> {
        answer::Said {
            run: &self.run,
            stage: self.stage.as_deref(),
            reason: &self.message,
            attempt: self.attempt,
            inputs: inputs.iter().map(|(id, text)| (id.clone(), text.as_str().into())).collect(),
        }
    }
}
