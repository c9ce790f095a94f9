//! Texts with variables: `Hi {{1}}` and `Hi {{first_name}}`.

/// A text with variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(String),
}

impl Pattern {
    /// Reads a text. Braces that belong to no variable are text.
    pub(super) fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, name, behind)) = next_variable(rest) {
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Variable(name.trim().to_owned()));
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Self(pieces)
    }

    /// The names of its variables, each once: numbers in their order, others as they appear.
    pub(super) fn variables(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for piece in &self.0 {
            if let Piece::Variable(name) = piece
                && !names.contains(&name.as_str())
            {
                names.push(name);
            }
        }
        if names.iter().all(|name| name.parse::<u32>().is_ok()) {
            names.sort_by_key(|name| name.parse::<u32>().unwrap_or(u32::MAX));
        }
        names
    }

    /// What stands between its variables.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Variable(_) => None,
        })
    }

    /// Whether it has variables.
    pub(super) fn varies(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Variable(_)))
    }

    /// The text with a value for each variable. One without a value stays as it is written.
    pub(super) fn filled<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> String {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Variable(name) => match value(name) {
                    Some(value) => filled.push_str(value),
                    None => filled.push_str(&format!("{{{{{name}}}}}")),
                },
            }
        }
        filled
    }

    /// The text as it is written.
    pub(super) fn written(&self) -> String {
        self.filled(|_| None)
    }

    /// Whether braces are left that belong to no variable.
    pub(super) fn has_stray_braces(&self) -> bool {
        let stray = |text: &str| text.contains("{{") || text.contains("}}");
        self.0.iter().any(|piece| match piece {
            Piece::Text(text) => stray(text),
            Piece::Variable(name) => name.contains(['{', '}']),
        })
    }

    /// Whether a variable is the first of it that shows, or the last.
    pub(super) fn has_variable_at_edge(&self) -> bool {
        let mut shown = self.0.iter().filter(|piece| match piece {
            Piece::Text(text) => !text.trim().is_empty(),
            Piece::Variable(_) => true,
        });
        let is_variable = |piece: Option<&Piece>| matches!(piece, Some(Piece::Variable(_)));
        let first = shown.next();
        is_variable(first) || is_variable(shown.next_back().or(first))
    }

    /// Whether two variables have nothing but space between them.
    pub(super) fn has_neighbours(&self) -> bool {
        let mut after_variable = false;
        for piece in &self.0 {
            match piece {
                Piece::Variable(_) if after_variable => return true,
                Piece::Variable(_) => after_variable = true,
                Piece::Text(text) => after_variable = after_variable && text.trim().is_empty(),
            }
        }
        false
    }

    /// Whether its only variable is its end.
    pub(super) fn ends_with_its_only_variable(&self) -> bool {
        let variables = self.0.iter().filter(|piece| matches!(piece, Piece::Variable(_)));
        variables.count() == 1 && matches!(self.0.last(), Some(Piece::Variable(_)))
    }
}

/// What stands before the next variable, its name, and what follows it.
fn next_variable(text: &str) -> Option<(&str, &str, &str)> {
    let (before, opened) = text.split_once("{{")?;
    let (name, behind) = opened.split_once("}}")?;
    Some((before, name, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_once_and_numbers_in_their_order() {
        let variables = |text: &str| {
            let pattern = Pattern::parse(text);
            pattern
                .variables()
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(variables("{{2}} and {{ 1 }} and {{2}}"), ["1", "2"]);
        assert_eq!(variables("{{b}} and {{a}}"), ["b", "a"]);
        assert_eq!(variables("{{10}} {{9}}"), ["9", "10"]);
        assert!(variables("nothing, {1}, {{1").is_empty());
    }

    #[test]
    fn a_text_is_filled_and_keeps_what_has_no_value() {
        let pattern = Pattern::parse("Hi {{1}}, {{2}}!");
        let filled = pattern.filled(|name| (name == "1").then_some("Ana"));
        assert_eq!(filled, "Hi Ana, {{2}}!");
        assert_eq!(pattern.written(), "Hi {{1}}, {{2}}!");
    }

    #[test]
    fn edges_neighbours_and_stray_braces_are_told() {
        for (text, edge, neighbours, stray) in [
            ("Hi {{1}}.", false, false, false),
            ("{{1}} hi", true, false, false),
            ("hi {{1}} ", true, false, false),
            ("a {{1}} {{2}} b", false, true, false),
            ("a {{1}}, {{2}} b", false, false, false),
            ("a {{1 b", false, false, true),
            ("a }} b", false, false, true),
            ("a {{{1}} b", false, false, true),
            ("{{1}}", true, false, false),
        ] {
            let pattern = Pattern::parse(text);
            let told = (
                pattern.has_variable_at_edge(),
                pattern.has_neighbours(),
                pattern.has_stray_braces(),
            );
            assert_eq!(told, (edge, neighbours, stray), "{text}");
        }
    }
}
