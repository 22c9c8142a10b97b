use domain::page::{InvalidPage, Page};

#[test]
fn every_combination_of_arguments() {
    let cursor = |given: bool, name: &str| given.then(|| name.to_owned());
    for after in [false, true] {
        for before in [false, true] {
            let page = |first, last| Page::new(first, cursor(after, "a"), last, cursor(before, "b"));
            let expected = |size, backward| {
                Ok(Page {
                    size,
                    backward,
                    after: cursor(after, "a"),
                    before: cursor(before, "b"),
                })
            };
            assert_eq!(page(None, None), expected(20, before && !after));
            for size in [1_i32, 20, 100] {
                assert_eq!(page(Some(size), None), expected(size.unsigned_abs(), false));
                assert_eq!(page(None, Some(size)), expected(size.unsigned_abs(), true));
            }
            for value in [i32::MIN, -1, 0, 101, i32::MAX] {
                assert_eq!(
                    page(Some(value), None),
                    Err(InvalidPage::OutOfRange {
                        argument: "first",
                        value
                    })
                );
                assert_eq!(
                    page(None, Some(value)),
                    Err(InvalidPage::OutOfRange {
                        argument: "last",
                        value
                    })
                );
            }
            assert_eq!(page(Some(1), Some(1)), Err(InvalidPage::FirstAndLast));
        }
    }
    assert_eq!(
        Page::new(Some(0), None, None, None).unwrap_err().to_string(),
        "first is 0; it must be from 1 to 100."
    );
}
