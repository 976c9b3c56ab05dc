//! What all commands share: who calls which hub, how answers look, in which language.

use std::io::IsTerminal as _;
use std::time::Duration;

use bytes::Bytes;
use hub_client::{Client, DEFAULT_PROFILE, Environment, PatternFile, Profile, fetch_pattern_file};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::{Args, Format};
use crate::exit::Failure;
use crate::text::{self, Language, Text};

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) environment: Environment,
    pub(crate) language: Language,
    profile: Option<String>,
    format: Option<Format>,
    retry_for: Duration,
}

impl Session {
    pub(crate) fn new(args: &Args, environment: Environment) -> Self {
        Self {
            language: if environment.polish { Language::Polish } else { Language::English },
            environment,
            profile: args.profile.clone(),
            format: args.format,
            retry_for: Duration::from_secs(args.retry_for),
        }
    }

    pub(crate) fn profile(&self) -> Result<Profile, Failure> {
        Ok(Profile::load(self.profile.as_deref(), &self.environment)?)
    }

    /// Of the profile in use, whether it can be read or not.
    pub(crate) fn profile_name(&self) -> &str {
        self.profile.as_deref().unwrap_or(DEFAULT_PROFILE)
    }

    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Ok(Client::connect(&self.profile()?)?.retry_for(self.retry_for))
    }

    /// What the hub makes of a pattern.
    pub(crate) async fn pattern_file(&self, pattern: &str, file: PatternFile) -> Result<Bytes, Failure> {
        Ok(fetch_pattern_file(&self.profile()?, self.retry_for, pattern, file).await?)
    }

    /// Says that HTTP/2 is blocked, once it was found to be, and by what the command goes.
    pub(crate) fn tell_detour(&self, client: &Client) {
        if let (true, Ok(profile)) = (client.is_over_https(), self.profile()) {
            eprintln!("{}", self.say(text::OVER_HTTPS, &[("https", &profile.http_address())]));
        }
    }

    /// For rows: a table is for eyes, CSV for programs.
    pub(crate) fn row_format(&self) -> Format {
        let usual = if std::io::stdout().is_terminal() { Format::Table } else { Format::Csv };
        self.format.unwrap_or(usual)
    }

    /// For verdicts: text unless JSON was asked for.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Some(Format::Json)
    }

    pub(crate) fn say(&self, text: Text, values: &[(&str, &str)]) -> String {
        text.with(self.language, values)
    }

    /// A bar on stderr; nothing when nobody watches.
    pub(crate) fn bar(&self, text: Text, unit: Unit) -> ProgressBar {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template(unit.template()) {
            bar.set_style(style);
        }
        bar.set_message(text.get(self.language));
        bar
    }
}

/// What a bar counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unit {
    Bytes,
    Rows,
}

impl Unit {
    fn template(self) -> &'static str {
        match self {
            Self::Bytes => "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
            Self::Rows => "{msg} {wide_bar} {human_pos}/{human_len} {per_sec}",
        }
    }
}
