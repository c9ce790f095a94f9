use super::*;

fn reading() -> Reading {
    let fields = [
        "phone",
        "name",
        "label",
        "list",
        "owner",
        "opted_out",
        "skip",
        "attribute.city",
        "attribute.tier",
    ];
    let more = [
        "attribute.since",
        "attribute.paid",
        "attribute.plan",
        "attribute.gone",
    ];
    let shapes = [
        ("city", AttributeShape::Text),
        ("tier", AttributeShape::Number),
        ("since", AttributeShape::Date),
        ("paid", AttributeShape::Boolean),
        (
            "plan",
            AttributeShape::Choice(vec!["Basic".to_owned(), "Básico+".to_owned()]),
        ),
    ];
    Reading {
        fields: fields
            .iter()
            .chain(&more)
            .map(|field| field.parse().unwrap())
            .collect(),
        country: Some("ID".parse().unwrap()),
        attributes: shapes.map(|(key, shape)| (key.parse().unwrap(), shape)).into(),
        lists: BTreeMap::from([("friends".to_owned(), ListId::from_bytes([1; 16]))]),
        owners: BTreeMap::from([("ana@example.com".to_owned(), AgentId::parse("ana").unwrap())]),
        changes: vec![ContactChange::AddLabel("import".parse().unwrap())],
        ..Reading::default()
    }
}

fn record(cells: &[(usize, &str)]) -> Record {
    Record {
        line: 7,
        next: 0,
        cells: cells
            .iter()
            .map(|(column, text)| (*column, (*text).to_owned()))
            .collect(),
    }
}

#[test]
fn a_record_says_what_its_columns_are_taken_for() {
    let reading = reading();
    let record = record(&[
        (0, "'+62 812 3456 789"),
        (1, " Ana "),
        (2, r"vip; a\;b"),
        (3, "FRIENDS"),
        (4, "Ana@Example.com"),
        (5, "Sí"),
        (6, "whatever"),
        (7, "São Paulo"),
        (8, "2.5"),
        (9, "2026-11-30 10:00"),
        (10, "tidak"),
        (11, "basico+"),
    ]);
    let row = reading.row(&record, Format::Csv).unwrap();
    let text = |text: &str| Some(AttributeValue::Text(text.parse().unwrap()));
    let number = serde_json::Number::from_f64(2.5).unwrap();
    let attribute = |key: &str, value| ContactChange::Attribute(key.parse().unwrap(), value);
    let expected = [
        ContactChange::AddLabel("import".parse().unwrap()),
        ContactChange::GivenName(Some("Ana".parse().unwrap())),
        ContactChange::AddLabel("vip".parse().unwrap()),
        ContactChange::AddLabel("a;b".parse().unwrap()),
        ContactChange::AddList(ListId::from_bytes([1; 16])),
        ContactChange::Owner(Some(AgentId::parse("ana").unwrap())),
        attribute("city", text("São Paulo")),
        attribute("tier", Some(AttributeValue::Number(number))),
        attribute("since", text("2026-11-30")),
        attribute("paid", Some(AttributeValue::Boolean(false))),
        attribute("plan", text("Básico+")),
    ];
    assert_eq!(row.changes, expected);
    assert_eq!(
        (row.line, row.phone.value.as_ref(), row.opted_out),
        (7, "628123456789", true)
    );
}

#[test]
fn an_object_keeps_its_values_apart() {
    let record = record(&[(0, "+628123456789"), (2, "a;b"), (2, "c"), (1, "'=quoted")]);
    let row = reading().row(&record, Format::Ndjson).unwrap();
    let labels = ["a;b", "c"].map(|label| ContactChange::AddLabel(label.parse().unwrap()));
    assert!(labels.iter().all(|label| row.changes.contains(label)));
    assert!(
        row.changes
            .contains(&ContactChange::GivenName(Some("'=quoted".parse().unwrap())))
    );
}

#[test]
fn whatever_is_wrong_is_told_with_its_column() {
    let reading = reading();
    let long = "x".repeat(300);
    let bad = [
        (1, long.as_str(), RowProblem::NameInvalid),
        (2, "ok; \u{200b}", RowProblem::LabelInvalid),
        (3, "enemies", RowProblem::ListUnknown),
        (4, "bob@example.com", RowProblem::OwnerUnknown),
        (5, "perhaps", RowProblem::NotABoolean),
        (7, &long, RowProblem::TextInvalid),
        (8, "two", RowProblem::NotANumber),
        (8, "inf", RowProblem::NotANumber),
        (9, "30/11/2026", RowProblem::NotADate),
        (10, "paid", RowProblem::NotABoolean),
        (11, "premium", RowProblem::NotAChoice),
        (12, "x", RowProblem::AttributeUnknown),
        (0, "6.28E+11", RowProblem::PhoneShortened),
        (0, "12", RowProblem::PhoneInvalid),
    ];
    for (column, text, problem) in bad {
        let mut cells = vec![(column, text)];
        if column > 0 {
            cells.push((0, "0812 3456 789"));
        }
        let errors = reading.row(&record(&cells), Format::Csv).unwrap_err();
        let told: Vec<_> = errors
            .iter()
            .map(|error| (error.line, error.column, error.problem))
            .collect();
        assert_eq!(told, [(7, Some(column), problem)], "{text}");
        assert!(errors[0].value.len() <= TOLD);
    }
    let none = reading
        .row(&record(&[(1, "Ana"), (8, "two")]), Format::Csv)
        .unwrap_err();
    let problems: Vec<_> = none.iter().map(|error| error.problem).collect();
    assert_eq!(problems, [RowProblem::NotANumber, RowProblem::PhoneMissing]);
    let nowhere = Reading {
        country: None,
        ..reading
    };
    let error = nowhere
        .row(&record(&[(0, "0812 3456 789")]), Format::Csv)
        .unwrap_err();
    assert_eq!(error[0].problem, RowProblem::PhoneWithoutCountry);
}

#[test]
fn each_problem_is_told_under_its_own_name() {
    let name = serde_json::to_value(RowProblem::NotAChoice).unwrap();
    assert_eq!(name, RowProblem::NotAChoice.as_str());
}

#[test]
fn a_cell_that_makes_no_sense_is_left_out_where_that_is_wanted() {
    let reading = Reading {
        bad_cells: BadCells::LeaveOut,
        ..reading()
    };
    let row = reading
        .row(
            &record(&[
                (0, "0812 3456 789"),
                (1, "Ana"),
                (8, "two"),
                (9, "30/11/2026"),
                (7, "a\r\nb"),
            ]),
            Format::Csv,
        )
        .unwrap();
    let left_out: Vec<_> = row
        .left_out
        .iter()
        .map(|error| (error.column, error.problem))
        .collect();
    assert_eq!(
        left_out,
        [(Some(8), RowProblem::NotANumber), (Some(9), RowProblem::NotADate)]
    );
    assert!(
        row.changes
            .contains(&ContactChange::GivenName(Some("Ana".parse().unwrap())))
    );
    // A remark of two lines is one.
    let city = Some(AttributeValue::Text("a b".parse().unwrap()));
    assert!(
        row.changes
            .contains(&ContactChange::Attribute("city".parse().unwrap(), city))
    );
    // Whom it is about, and whether they refuse marketing, is never guessed.
    for cells in [[(0, "0812 3456 789"), (5, "perhaps")], [(0, "12"), (1, "Ana")]] {
        assert_eq!(reading.row(&record(&cells), Format::Csv).unwrap_err().len(), 1);
    }
}

#[test]
fn a_day_of_an_opt_out_is_one_unless_the_row_says_no() {
    let reading = |fields: &[&str]| Reading {
        fields: fields.iter().map(|field| field.parse().unwrap()).collect(),
        ..Reading::default()
    };
    let alone = reading(&["phone", "opted_out_at"]);
    let both = reading(&["phone", "opted_out_at", "opted_out"]);
    let phone = (0, "+628123456780");
    for (reading, cells, expected) in [
        (&alone, vec![phone, (1, "2024-03-01")], true),
        (&alone, vec![phone, (1, "")], false),
        (&both, vec![phone, (1, "2024-03-01")], true),
        (&both, vec![phone, (1, "2024-03-01"), (2, "no")], false),
        (&both, vec![phone, (2, "yes")], true),
        (&both, vec![phone], false),
    ] {
        let row = reading.row(&record(&cells), Format::Csv).unwrap();
        assert_eq!(row.opted_out, expected, "{cells:?}");
    }
}

#[test]
fn who_is_under_age_is_marked_and_nobody_unmarked() {
    let reading = Reading {
        fields: vec![Field::Phone, Field::IsMinor],
        bad_cells: BadCells::LeaveOut,
        ..Reading::default()
    };
    let phone = (0, "+628123456780");
    for (cell, marks) in [
        ("yes", vec![ContactChange::Minor(Age::Minor)]),
        ("no", Vec::new()),
        ("", Vec::new()),
    ] {
        let row = reading.row(&record(&[phone, (1, cell)]), Format::Csv).unwrap();
        assert_eq!(row.changes, marks, "{cell:?}");
    }
    let errors = reading
        .row(&record(&[phone, (1, "perhaps")]), Format::Csv)
        .unwrap_err();
    assert_eq!(errors[0].problem, RowProblem::NotABoolean, "never left out");
}
