//! What a file has wrong: told whole, by line, and given back to be corrected.

use super::*;

#[actix_web::test]
async fn a_quotation_mark_without_an_end_costs_its_own_row_alone() {
    let api = Api::start().await;
    let good = |n| format!("+6281234{n:05},Zoe\n");
    let mut file = String::from("phone,name\n+628123456789,\"Ana\n");
    (0..300).for_each(|n| file.push_str(&good(n)));
    file.push_str("+628123456788,\"Bob\n");
    (300..310).for_each(|n| file.push_str(&good(n)));
    let done = import(&api, file, json!({})).await;
    assert_eq!(counts(&done), [312, 310, 0, 0, 2], "{done}");
    assert_eq!(done["reasons"], json!({ "unreadable": 2 }));
    let path = format!("/v1/imports/{}/errors", id(&done));
    let told = String::from_utf8(api.get(&path).await.body).unwrap();
    let lines: Vec<&str> = told.lines().skip(1).collect();
    let line = |line: u32| format!("{line},,unreadable,a quotation mark has no end,,row_refused");
    assert_eq!(lines, [line(2), line(303)]);
    let rows = api.get(&format!("{path}?of=rows")).await;
    let rows = String::from_utf8(rows.body).unwrap();
    let expected = "phone,name,reason\r\n\
         '+628123456789,\"\"\"Ana\",a quotation mark has no end\r\n\
         '+628123456788,\"\"\"Bob\",a quotation mark has no end\r\n";
    assert_eq!(rows.trim_start_matches('\u{feff}'), expected);
}

#[actix_web::test]
async fn every_wrong_row_of_a_long_file_is_told() {
    let api = Api::start().await;
    let name = "n".repeat(150);
    let mut file = String::from("phone,name\n");
    let rows = 62_000;
    (0..rows).for_each(|n| file.push_str(&format!("{n},{name}\n")));
    let done = import(&api, file, json!({ "dry_run": true })).await;
    assert_eq!(counts(&done), [rows, 0, 0, 0, rows]);
    assert_eq!(
        (&done["errors_omitted"], &done["refused_omitted"]),
        (&json!(0), &json!(0))
    );
    let path = format!("/v1/imports/{}/errors", id(&done));
    let count = |answer: &Answer| memchr::memchr_iter(b'\n', &answer.body).count();
    let lines = api.get(&path).await;
    assert!(lines.body.len() > 8 << 20);
    // Each has a wrong phone and a wrong name.
    assert_eq!(count(&lines), usize::try_from(2 * rows + 1).unwrap());
    let refused = api.get(&format!("{path}?of=rows")).await;
    assert!(refused.body.len() > 8 << 20);
    assert_eq!(count(&refused), usize::try_from(rows + 1).unwrap());
}

#[actix_web::test]
async fn a_list_of_wrong_rows_that_is_cut_says_how_many_are_not_in_it() {
    let api = Api::start_with(Setup {
        sections: "[imports]\nmax_tenant_bytes = \"17 MiB\"\n",
        ..Setup::default()
    })
    .await;
    let mut file = String::from("phone,name\n");
    let rows = 62_000;
    let name = "n".repeat(130);
    (0..rows).for_each(|n| file.push_str(&format!("{n},{name}\n")));
    let done = import(&api, file, json!({ "dry_run": true })).await;
    let path = format!("/v1/imports/{}/errors", id(&done));
    for (of, field, count) in [
        ("lines", "errors_omitted", 2 * rows),
        ("rows", "refused_omitted", rows),
    ] {
        let omitted = done[field].as_u64().unwrap();
        assert!(omitted > 0, "{done}");
        let text = String::from_utf8(api.get(&format!("{path}?of={of}")).await.body).unwrap();
        let last = text.lines().last().unwrap();
        assert!(
            last.ends_with(&format!("the list is cut: {omitted} more are not in it")),
            "{last}"
        );
        let told = u64::try_from(text.lines().count()).unwrap() - 2;
        assert_eq!(told + omitted, count, "{of}");
    }
}

#[actix_web::test]
async fn a_refused_row_comes_back_with_all_that_stood_in_it() {
    let api = Api::start().await;
    let file = "phone,name\n+628123456789,Ana,Jakarta,,x\n+628123456788,Bob\n12,Eve\n";
    let done = import(&api, file, json!({})).await;
    assert_eq!(counts(&done), [3, 1, 0, 0, 2], "{done}");
    let rows = api
        .get(&format!("/v1/imports/{}/errors?of=rows", id(&done)))
        .await;
    let rows = String::from_utf8(rows.body).unwrap();
    let mut lines = rows.lines().skip(1);
    let wide = lines.next().unwrap();
    assert_eq!(
        wide,
        "'+628123456789,Ana,the row has more values than there are columns,Jakarta,,x"
    );
    assert!(lines.next().unwrap().starts_with("12,Eve,\"phone: "), "{rows}");
}
