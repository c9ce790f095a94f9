//! Reads of a PromQL query what it asks for: metrics, the labels by which it picks them, those by which it groups.
//! Whether the query is well formed is promtool's to say (`make rules-test`).

/// A metric that a query names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) metric: String,
    /// Label and value of each matcher; the alternatives of a pattern stand one by one.
    pub(crate) picks: Vec<(String, String)>,
}

/// What a query asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) selectors: Vec<Selector>,
    /// Labels that the result is grouped or matched by.
    pub(crate) groups: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

const GROUPING: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const OPERATORS: [&str; 5] = ["and", "or", "unless", "bool", "offset"];

fn tokens(query: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = query.chars().peekable();
    while let Some(first) = rest.next() {
        if first.is_ascii_alphanumeric() || matches!(first, '_' | ':' | '$') {
            let mut word = String::from(first);
            while let Some(next) = rest.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.'))
            {
                word.push(next);
            }
            // A number or a duration asks for nothing.
            if !first.is_ascii_digit() {
                found.push(Token::Word(word));
            }
        } else if first == '"' {
            found.push(Token::Text(rest.by_ref().take_while(|c| *c != '"').collect()));
        } else if !first.is_whitespace() {
            found.push(Token::Sign(first));
        }
    }
    found
}

/// Reads a query.
pub(crate) fn read(query: &str) -> Asked {
    let mut asked = Asked::default();
    let mut rest = tokens(query).into_iter().peekable();
    while let Some(token) = rest.next() {
        let Token::Word(word) = token else {
            continue;
        };
        if word.starts_with('$') || OPERATORS.contains(&word.as_str()) {
            continue;
        }
        if GROUPING.contains(&word.as_str()) {
            let labels = rest.by_ref().take_while(|token| *token != Token::Sign(')'));
            asked.groups.extend(labels.filter_map(|token| match token {
                Token::Word(label) => Some(label),
                _ => None,
            }));
            continue;
        }
        let called = match rest.peek() {
            Some(Token::Sign('(')) => true,
            Some(Token::Word(next)) => GROUPING.contains(&next.as_str()),
            _ => false,
        };
        if called {
            continue;
        }
        let mut picks = Vec::new();
        if rest.peek() == Some(&Token::Sign('{')) {
            let mut label = String::new();
            for token in rest.by_ref().take_while(|token| *token != Token::Sign('}')) {
                match token {
                    Token::Word(word) => label = word,
                    Token::Text(text) => {
                        picks.extend(text.split('|').map(|value| (label.clone(), value.to_owned())));
                    }
                    Token::Sign(_) => {}
                }
            }
        }
        asked.selectors.push(Selector { metric: word, picks });
    }
    asked
}

#[test]
fn a_query_says_which_metrics_labels_and_groups_it_asks_for() {
    let asked = read(
        "histogram_quantile(0.99, sum by (instance, le) (rate(a_bucket{x=\"1\", y=~\"2|3\"}[5m])))\n\
         > 0.5 and b < 512 * 1e3 or vector(0)",
    );
    let pick = |label: &str, value: &str| (label.to_owned(), value.to_owned());
    assert_eq!(
        asked.selectors,
        [
            Selector {
                metric: "a_bucket".to_owned(),
                picks: vec![pick("x", "1"), pick("y", "2"), pick("y", "3")],
            },
            Selector {
                metric: "b".to_owned(),
                picks: Vec::new(),
            },
        ]
    );
    assert_eq!(asked.groups, ["instance", "le"]);
    assert_eq!(read("time() - start[$__rate_interval]").selectors.len(), 1);
}
