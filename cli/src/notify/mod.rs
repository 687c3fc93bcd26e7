//! Notices: who is told what a command did to groups of crashes. `symtool_core::notices` has the
//! steps.

mod settings;

use std::time::Duration;

use anyhow::Result;
use sha2::{Digest, Sha256};
use symtool_core::notices::{self, Subscriber};
use symtool_notify::Receiver;
use symtool_store::Store;

use crate::context::Context;
use crate::exit::{Exit, Usage};

pub use settings::{NotifySettings, all};

/// Options of commands that tell what happened.
#[derive(Debug, Default, clap::Args)]
pub struct NotifyArgs {
    /// Tell the receiver that [notify.NAME] in symtool.toml describes of new, regressed and merged
    /// groups and of spikes since it was told last; repeatable
    #[arg(long, value_name = "NAME")]
    pub notify: Vec<String>,
    /// Tell this command, which gets a JSON object on its standard input; repeatable
    #[arg(long, value_name = "CMD")]
    pub notify_command: Vec<String>,
}

/// Those who are told once a command is done.
#[derive(Debug)]
pub struct Notices(Vec<Subscriber>);

impl Notices {
    /// Those whom `args` names.
    ///
    /// # Errors
    /// [`Usage`] if the settings do not say how one is told.
    pub fn of(context: &Context, args: &NotifyArgs) -> Result<Self> {
        let mut subscribers = Vec::new();
        for name in &args.notify {
            subscribers.push(subscriber(context, name)?);
        }
        for line in &args.notify_command {
            let digest = hex::encode(Sha256::digest(line));
            subscribers.push(Subscriber {
                name: format!("command {}", &digest[..16]),
                receiver: Receiver::Command(line.clone()),
                interest: settings::ALL,
                within: Duration::from_secs(settings::RETRY_SECONDS),
            });
        }
        Ok(Self(subscribers))
    }

    /// Whether nobody is told.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Before the command changes anything: who is told for the first time hears of what happens
    /// from now on.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub fn begin(&self, store: &Store) -> Result<()> {
        Ok(notices::begin(store, &self.0)?)
    }

    /// Tells them, after the command has ended with `exit`. Returns how it ends now.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub fn deliver(self, store: &Store, exit: Exit) -> Result<Exit> {
        let mut exit = exit;
        for subscriber in &self.0 {
            let name = &subscriber.name;
            let delivery = notices::deliver(store, subscriber)?;
            for text in &delivery.sent {
                detail!("{name} was told: {text}");
            }
            if let Some(error) = delivery.waiting {
                warn!(
                    "{name} was not told: {error}; the notice is kept in the store and sent by the next command that tells {name}"
                );
                exit = if exit == Exit::Done { Exit::TryAgain } else { exit };
            }
        }
        Ok(exit)
    }
}

fn subscriber(context: &Context, name: &str) -> Result<Subscriber> {
    let known = &context.config.notify;
    let Some(settings) = known.get(name) else {
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(Usage(format!(
            "--notify {name}: symtool.toml has no [notify.{name}]; it has {known}"
        ))
        .into());
    };
    let receiver = settings
        .receiver(context.config.is_open)
        .map_err(|fact| Usage(format!("[notify.{name}] in symtool.toml: {fact}")))?;
    Ok(Subscriber {
        name: name.to_owned(),
        receiver,
        interest: settings.interest(),
        within: Duration::from_secs(settings.retry_seconds),
    })
}
