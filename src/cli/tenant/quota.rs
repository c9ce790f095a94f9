//! `mesej tenant quota`.

use clap::Args;
use serde_json::{Map, Value};

use super::super::admin::{Api, segment};
use super::super::{AdminArgs, CliError, output};

/// What is asked.
#[derive(Debug, Args)]
#[command(
    after_help = "Without a limit it shows each quota and how much of it is used at the gateway that is asked. `default` takes \
                  a limit back that was set. Gateways of a cluster take a change over within 30 seconds.\n\nExamples:\n  \
                  mesej tenant quota TENANT\n  mesej tenant quota TENANT --agents 20 --requests-per-s 50\n  \
                  mesej tenant quota TENANT --agents default"
)]
pub(in crate::cli) struct QuotaArgs {
    /// The tenant's id
    tenant: String,
    /// Open sockets
    #[arg(long, value_name = "N|default", value_parser = limit)]
    sockets: Option<Limit>,
    /// Tickets that were made and not used
    #[arg(long, value_name = "N|default", value_parser = limit)]
    tickets: Option<Limit>,
    /// Calls in a second, of all keys and people together
    #[arg(long, value_name = "N|default", value_parser = limit)]
    requests_per_s: Option<Limit>,
    /// Messages that wait to be sent
    #[arg(long, value_name = "N|default", value_parser = limit)]
    backlog: Option<Limit>,
    /// Members of the team
    #[arg(long, value_name = "N|default", value_parser = limit)]
    agents: Option<Limit>,
    /// Bytes of files
    #[arg(long, value_name = "N|default", value_parser = limit)]
    storage: Option<Limit>,
    #[command(flatten)]
    admin: AdminArgs,
}

/// A limit, or that the settings say it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    Default,
    Of(u64),
}

fn limit(text: &str) -> Result<Limit, String> {
    match text {
        "default" => Ok(Limit::Default),
        number => {
            let parsed = number.parse().map(Limit::Of);
            parsed.map_err(|_malformed| "a whole number, or `default`".to_owned())
        }
    }
}

pub(super) async fn run(args: QuotaArgs) -> Result<(), CliError> {
    let api = Api::admin(&args.admin)?;
    let path = format!("/v1/admin/tenants/{}/quotas", segment(&args.tenant));
    let answer = match changes(&args) {
        none if none.is_empty() => api.get(&path).await?,
        changes => api.put(&path, &changes.into()).await?,
    };
    output::answer(&answer, args.admin.json, |answer| {
        output::table(output::list(answer), &["name", "limit", "used"])
    })?;
    Ok(())
}

fn changes(args: &QuotaArgs) -> Map<String, Value> {
    let named = [
        ("sockets", args.sockets),
        ("tickets", args.tickets),
        ("requests_per_s", args.requests_per_s),
        ("backlog", args.backlog),
        ("agents", args.agents),
        ("storage", args.storage),
    ];
    let set = named.into_iter().filter_map(|(name, limit)| {
        let limit = match limit? {
            Limit::Default => Value::Null,
            Limit::Of(limit) => limit.into(),
        };
        Some((name.to_owned(), limit))
    });
    set.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_or_what_the_settings_say() {
        assert_eq!(limit("20"), Ok(Limit::Of(20)));
        assert_eq!(limit("default"), Ok(Limit::Default));
        assert!(limit("many").is_err() && limit("-1").is_err());
    }
}
