//! `mesej template`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::admin::{Api, segment};
use super::{CliError, KeyArgs, output};

/// What can be done with message templates.
#[derive(Debug, Subcommand)]
pub(super) enum TemplateCommand {
    /// List the templates of the tenant's accounts
    List {
        /// Only those in this state, such as APPROVED
        #[arg(long)]
        status: Option<String>,
        /// Only those whose names begin so
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        args: TemplateArgs,
    },
    /// Say what Meta's review would refuse of a template at once; ends with 1 when there is something
    ///
    /// The file holds JSON as Meta takes it: name, language, category, components.
    #[command(after_help = "Example:\n  mesej template check order_shipped.json")]
    Check {
        /// The file; - reads from the standard input
        file: PathBuf,
        #[command(flatten)]
        args: TemplateArgs,
    },
    /// Have the templates of the tenant's accounts looked up at Meta now
    Sync {
        #[command(flatten)]
        args: TemplateArgs,
    },
}

/// How the server is reached, and what is printed.
#[derive(Debug, Args)]
pub(super) struct TemplateArgs {
    #[command(flatten)]
    server: KeyArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: TemplateCommand) -> Result<ExitCode, CliError> {
    match command {
        TemplateCommand::List { status, name, args } => {
            let templates = all(&args.server.api()?, status, name).await?;
            output::answer(&json!({ "templates": templates }), args.json, |answer| {
                let columns = ["name", "language", "category", "status", "quality", "waba_id"];
                output::table(output::list(answer), &columns)
            })?;
        }
        TemplateCommand::Check { file, args } => {
            let text = if file.as_os_str() == "-" {
                std::io::read_to_string(std::io::stdin())?
            } else {
                std::fs::read_to_string(&file)?
            };
            let draft: Value = serde_json::from_str(&text).map_err(std::io::Error::from)?;
            let answer = args
                .server
                .api()?
                .post("/v1/templates/check-definition", &draft)
                .await?;
            output::answer(&answer, args.json, told)?;
            if !output::list(&answer).is_empty() {
                return Ok(ExitCode::FAILURE);
            }
        }
        TemplateCommand::Sync { args } => {
            let answer = args.server.api()?.post("/v1/templates/sync", &json!({})).await?;
            output::answer(&answer, args.json, |answer| {
                let accounts = output::list(answer).iter().map(output::plain);
                format!("Looking up: {}\n", accounts.collect::<Vec<_>>().join(", "))
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// All pages of the list, in order of names.
async fn all(api: &Api, status: Option<String>, name: Option<String>) -> Result<Vec<Value>, CliError> {
    let mut path = "/v1/templates?limit=200".to_owned();
    for (key, value) in [("status", status), ("name", name)] {
        if let Some(value) = value {
            path.push_str(&format!("&{key}={}", segment(&value)));
        }
    }
    let (mut templates, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("{path}{cursor}")).await?;
        templates.extend(output::list(&page).iter().cloned());
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let order = |one: &Value| {
        let text = |key: &str| one.get(key).map(output::plain).unwrap_or_default();
        (text("name"), text("language"))
    };
    templates.sort_by_key(order);
    Ok(templates)
}

fn told(answer: &Value) -> String {
    let problems = output::list(answer);
    if problems.is_empty() {
        return "Meta has nothing to refuse at once.\n".to_owned();
    }
    output::table(problems, &["path", "problem"])
}
