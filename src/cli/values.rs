//! Values of arguments that are the domain's own: their names are taken from there.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::domain::email::EmailAddress;
use crate::domain::roles::{OperatorRole, Role};

/// An address, checked before anything is sent.
pub(super) fn email(text: &str) -> Result<EmailAddress, String> {
    text.parse().map_err(|rule| format!("must be {rule}"))
}

/// A role in a team, by the name that the API has for it.
pub(super) fn role_parser() -> impl TypedValueParser<Value = Role> {
    let values = Role::ALL.map(|role| PossibleValue::new(role.as_str()).help(role.summary()));
    PossibleValuesParser::new(values).try_map(|name| {
        let named = Role::ALL.into_iter().find(|role| role.as_str() == name);
        named.ok_or("not a role")
    })
}

/// An operator's role, likewise.
pub(super) fn operator_role_parser() -> impl TypedValueParser<Value = OperatorRole> {
    let values = OperatorRole::ALL.map(|role| PossibleValue::new(role.as_str()).help(role.summary()));
    PossibleValuesParser::new(values).try_map(|name| {
        let named = OperatorRole::ALL.into_iter().find(|role| role.as_str() == name);
        named.ok_or("not a role")
    })
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    fn parsed<T: Clone + Send + Sync + 'static>(
        parser: impl TypedValueParser<Value = T>,
        name: &str,
    ) -> Option<T> {
        let command = Command::new("mesej").arg(clap::Arg::new("role").value_parser(parser));
        let matches = command.try_get_matches_from(["mesej", name]).ok()?;
        matches.get_one::<T>("role").cloned()
    }

    #[test]
    fn every_role_has_the_name_that_the_api_has_for_it() {
        for role in Role::ALL {
            assert_eq!(parsed(role_parser(), role.as_str()), Some(role));
        }
        for role in OperatorRole::ALL {
            assert_eq!(parsed(operator_role_parser(), role.as_str()), Some(role));
        }
        assert_eq!(parsed(role_parser(), "viewer"), None);
        assert_eq!(parsed(operator_role_parser(), "owner"), None);
    }
}
