//! `mesej simulate`: Meta in a box as a process of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{CliError, output};
use crate::shutdown::Shutdown;
use mesej_simulator::{ChatterConfig, Faults, NumberConfig, SimulatorConfig};

/// Options of `mesej simulate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mesej simulate --webhook-url http://127.0.0.1:8080/webhooks/whatsapp --chatter 5\n  \
                        mesej simulate --numbers 50 --rate 80 --faults graph --seed 7\n\nWhile it runs, everything about \
                        it can be read and changed under /_control."
)]
pub(super) struct SimulateArgs {
    /// Address and port
    #[arg(long, default_value = "127.0.0.1:9090", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The gateway's callback; webhooks are held back until there is one
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// How many business numbers there are
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000), value_name = "COUNT")]
    numbers: u32,
    /// Messages a second that each number is allowed, in and out together
    #[arg(long, default_value_t = 80, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Messages a second that customers write by themselves
    #[arg(long, default_value_t = 0.0, value_parser = chatter, value_name = "RATE")]
    chatter: f64,
    /// What goes wrong on purpose
    #[arg(long, value_enum)]
    faults: Option<FaultSet>,
    /// Where all chance comes from: the same seed and the same calls give the same story
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A JSON file with every other setting of the simulator; the options above win over it
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

/// A set of faults that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FaultSet {
    /// Graph fails one call in ten, in every way that leaves the caller in doubt
    Graph,
    /// Webhooks come twice, late, out of order, in pieces and forged
    Webhooks,
}

pub(super) async fn run(args: SimulateArgs) -> Result<ExitCode, CliError> {
    let shutdown = Shutdown::default();
    let config = settings(&args)?;
    let told = introduction(&config);
    let simulator = mesej_simulator::start(config).await?;
    simulator.set_chatter(ChatterConfig {
        rate: args.chatter,
        ..ChatterConfig::default()
    })?;
    output::print(&format!(
        "Meta, simulated, on {}\n{}",
        simulator.url(),
        told(&simulator.url())
    ))?;
    shutdown.begin_on_signal().await?;
    simulator.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn settings(args: &SimulateArgs) -> Result<SimulatorConfig, CliError> {
    let mut config = match &args.settings {
        None => SimulatorConfig::default(),
        Some(path) => crate::config::read_regular(path)
            .map_err(|error| error.to_string())
            .and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()))
            .map_err(|reason| CliError::File {
                path: path.display().to_string(),
                reason,
            })?,
    };
    config.listen = args.listen;
    config.seed = args.seed;
    if args.webhook_url.is_some() {
        config.webhook_url.clone_from(&args.webhook_url);
    }
    if args.settings.is_none() {
        config.numbers = (0..args.numbers)
            .map(|index| NumberConfig {
                rate: args.rate,
                ..NumberConfig::numbered(index)
            })
            .collect();
    }
    match args.faults {
        None => {}
        Some(FaultSet::Graph) => config.faults = Faults::failing_graph(),
        Some(FaultSet::Webhooks) => config.faults = Faults::dirty_webhooks(),
    }
    Ok(config)
}

/// What to tell a gateway so that it takes this for Meta. Nothing of it is secret: it is all made up.
fn introduction(config: &SimulatorConfig) -> impl Fn(&str) -> String + use<> {
    let app = format!(
        "[{{ name = \"simulated\", app_secrets = [\"{}\"], verify_token = \"{}\" }}]",
        config.app_secret, config.verify_token
    );
    let token = config
        .access_tokens
        .first()
        .cloned()
        .unwrap_or_else(|| "anything".to_owned());
    let shown = config.numbers.iter().take(MOST_SHOWN).map(|number| {
        format!(
            "  mesej number add TENANT --app simulated --access-token {token} --phone-number-id {} --waba-id {} \
             --display-phone-number '{}' --rate {}\n",
            number.phone_number_id, number.waba_id, number.display_phone_number, number.rate
        )
    });
    let numbers: String = shown.collect();
    let count = config.numbers.len();
    move |url| {
        format!(
            "\nA gateway takes it for Meta with these settings:\n  \
             MESEJ_WHATSAPP__BASE_URL={url}\n  MESEJ_WHATSAPP__APPS='{app}'\n\n\
             and with its numbers, of which there are {count}:\n{numbers}"
        )
    }
}

/// Numbers that are told one by one.
const MOST_SHOWN: usize = 20;

/// Messages a second; more than any machine here can write.
const MOST_CHATTER: f64 = 100_000.0;

/// A rate that a simulator can keep.
fn chatter(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.0..=MOST_CHATTER).contains(&rate) => Ok(rate),
        Ok(_) | Err(_) => Err(format!("a number from 0 to {MOST_CHATTER} is wanted")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: SimulateArgs,
    }

    fn parse(line: &[&str]) -> SimulateArgs {
        Line::try_parse_from(std::iter::once(&"simulate").chain(line))
            .unwrap()
            .args
    }

    #[test]
    fn options_become_settings() {
        let config = settings(&parse(&[
            "--numbers",
            "3",
            "--rate",
            "20",
            "--seed",
            "7",
            "--faults",
            "webhooks",
        ]))
        .unwrap();
        assert_eq!((config.numbers.len(), config.seed), (3, 7));
        assert!(config.numbers.iter().all(|number| number.rate == 20));
        assert_eq!(config.faults, Faults::dirty_webhooks());
    }

    #[test]
    fn a_file_gives_the_rest_and_a_bad_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("simulator.json");
        std::fs::write(&path, r#"{"app_secret":"other","seed":3}"#).unwrap();
        let line = ["--settings", path.to_str().unwrap(), "--seed", "9"];
        let config = settings(&parse(&line)).unwrap();
        assert_eq!((config.app_secret.as_str(), config.seed), ("other", 9));
        std::fs::write(&path, r#"{"app_secrte":"other"}"#).unwrap();
        let error = settings(&parse(&line)).unwrap_err().to_string();
        assert!(
            error.contains("simulator.json") && error.contains("app_secrte"),
            "{error}"
        );
    }

    #[test]
    fn the_introduction_is_settings_that_a_gateway_reads() {
        let told = introduction(&SimulatorConfig::default())("http://127.0.0.1:9090");
        let variables = told.lines().filter_map(|line| {
            let (key, value) = line.trim().split_once('=')?;
            key.starts_with("MESEJ_")
                .then(|| (key.to_owned(), value.trim_matches('\'').to_owned()))
        });
        let config = crate::config::Config::from_sources(None, variables).unwrap();
        assert_eq!(config.whatsapp.base_url.as_str(), "http://127.0.0.1:9090");
        assert!(config.whatsapp.app("simulated").is_some());
    }

    #[tokio::test]
    async fn webhooks_go_to_http_and_https_alone() {
        for bad in ["ftp://x", "x", "http://", "file:///etc/passwd"] {
            let error = run(parse(&["--listen", "127.0.0.1:0", "--webhook-url", bad])).await;
            let error = error.unwrap_err().to_string();
            assert!(error.contains("must begin with http:// or https://"), "{error}");
        }
    }

    #[test]
    fn chatter_is_a_rate_that_a_simulator_can_keep() {
        assert_eq!(chatter("0.5"), Ok(0.5));
        for bad in ["nan", "inf", "-1", "1e9", "x", ""] {
            chatter(bad).unwrap_err();
        }
    }
}
