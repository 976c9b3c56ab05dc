//! How one is told: notices and subscriptions.

use clap::{Subcommand, ValueEnum};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Notices {
    #[command(subcommand)]
    pub(crate) deed: Option<NoticeDeed>,
    /// Also those that are settled
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Subscriptions {
    /// Have news sent from now on; prints the secret that signs it, which nothing else shows
    Add {
        /// Where to, as https://odbiorca.example/hub
        url: String,
        /// Only of this dataset, as rb28s; may be given again [default: all that the key may see]
        #[arg(long = "dataset", value_name = "DATASET")]
        datasets: Vec<String>,
        /// Only this news; may be given again [default: both]
        #[arg(long = "kind", value_name = "KIND")]
        kinds: Vec<News>,
    },
    /// All of them, and what became of what was sent
    List,
    /// End one
    Remove {
        /// Its id
        id: String,
    },
    /// Send again what was given up
    Redeliver {
        /// Its id
        id: String,
    },
}

/// What a subscription tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum News {
    /// Dataset versions
    Changes,
    /// That what you pulled was corrected
    Notices,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NoticeDeed {
    /// You have seen it; pulling anew says the same
    Ack {
        /// Its id
        id: String,
        /// What you want to remember
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
    /// You keep the earlier figure, knowingly
    Pin {
        /// Its id
        id: String,
        /// Why
        #[arg(long)]
        note: String,
    },
}
