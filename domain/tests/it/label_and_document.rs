use domain::{
    Refusal, RefusalCode,
    document::{DocumentInput, MAX_BODY_BYTES, documents},
    label::{Label, labels},
};

fn shown(refusals: &[Refusal]) -> Vec<(String, RefusalCode)> {
    refusals
        .iter()
        .map(|refusal| (refusal.field.join("."), refusal.code))
        .collect()
}

#[test]
fn labels_are_checked_each_at_its_place() {
    let good = labels("labels", [("team", " Payments "), ("example.com/stage", "beta")]).unwrap();
    assert_eq!(
        good[0],
        Label {
            key: "team".to_owned(),
            value: "Payments".to_owned()
        }
    );
    assert_eq!(good.len(), 2);
    let long = "a".repeat(64);
    let refusals = labels(
        "labels",
        [
            ("team", "one"),
            ("team", "two"),
            ("", "x"),
            ("-a", "x"),
            ("a b", "x"),
            (&long, "x"),
            ("k", ""),
            ("l", "a\nb"),
        ],
    )
    .unwrap_err();
    assert_eq!(
        shown(&refusals),
        [
            ("labels.1.key".to_owned(), RefusalCode::Taken),
            ("labels.2.key".to_owned(), RefusalCode::Required),
            ("labels.3.key".to_owned(), RefusalCode::Invalid),
            ("labels.4.key".to_owned(), RefusalCode::Invalid),
            ("labels.5.key".to_owned(), RefusalCode::TooLong),
            ("labels.6.value".to_owned(), RefusalCode::Required),
            ("labels.7.value".to_owned(), RefusalCode::Invalid),
        ]
    );
}

#[test]
fn there_are_fifty_labels_at_most() {
    let keys: Vec<String> = (0..51).map(|number| format!("k{number}")).collect();
    let pairs = |count: usize| keys.iter().take(count).map(|key| (key.as_str(), "v"));
    assert_eq!(labels("labels", pairs(50)).unwrap().len(), 50);
    assert_eq!(
        shown(&labels("labels", pairs(51)).unwrap_err()),
        [("labels".to_owned(), RefusalCode::LimitReached)]
    );
    assert_eq!(labels("labels", []), Ok(Vec::new()));
}

#[test]
fn documents_are_checked_each_at_its_place() {
    let document = |slug, title, body| DocumentInput { slug, title, body };
    let good = documents(
        "documents",
        [document("start", " Start ", "# Hi\r\n"), document("more", "More", "")],
    )
    .unwrap();
    assert_eq!((good[0].title.as_str(), good[0].body.as_str()), ("Start", "# Hi\r\n"));
    let long = "a".repeat(MAX_BODY_BYTES + 1);
    let refusals = documents(
        "documents",
        [
            document("start", "Start", "x"),
            document("start", "Again", "x"),
            document("Bad", "", "a\0"),
            document("long", "Long", &long),
        ],
    )
    .unwrap_err();
    assert_eq!(
        shown(&refusals),
        [
            ("documents.1.slug".to_owned(), RefusalCode::Taken),
            ("documents.2.slug".to_owned(), RefusalCode::Invalid),
            ("documents.2.title".to_owned(), RefusalCode::Required),
            ("documents.2.body".to_owned(), RefusalCode::Invalid),
            ("documents.3.body".to_owned(), RefusalCode::TooLong),
        ]
    );
    assert!(documents("documents", [document("long", "Long", &long[1..])]).is_ok());
}

#[test]
fn there_are_a_hundred_documents_at_most() {
    let slugs: Vec<String> = (0..101).map(|number| format!("d{number}")).collect();
    let inputs = |count: usize| {
        slugs.iter().take(count).map(|slug| DocumentInput {
            slug,
            title: "T",
            body: "",
        })
    };
    assert_eq!(documents("documents", inputs(100)).unwrap().len(), 100);
    assert_eq!(
        shown(&documents("documents", inputs(101)).unwrap_err()),
        [("documents".to_owned(), RefusalCode::LimitReached)]
    );
}
