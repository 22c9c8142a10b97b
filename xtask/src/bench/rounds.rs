//! Rounds: each server in turn, in another order each time, and what comes of it.

/// What one server did in all rounds.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) values: Vec<f64>,
}

/// Runs `measure` for each of `names` in each round. The order turns, so that none is always first after another.
pub(crate) fn alternate(
    rounds: usize,
    names: &[&'static str],
    mut measure: impl FnMut(&'static str) -> Result<f64, String>,
) -> Result<Vec<Series>, String> {
    let mut all: Vec<Series> = names
        .iter()
        .map(|name| Series {
            name,
            values: Vec::with_capacity(rounds),
        })
        .collect();
    for round in 0..rounds {
        for at in 0..names.len() {
            let series = &mut all[(round + at) % names.len()];
            let value = measure(series.name)?;
            println!("  round {}: {} {value:.0}", round + 1, series.name);
            series.values.push(value);
        }
    }
    Ok(all)
}

/// Adds a value to the series of this name.
pub(crate) fn note(all: &mut Vec<Series>, name: &'static str, value: f64) {
    match all.iter_mut().find(|series| series.name == name) {
        Some(series) => series.values.push(value),
        None => all.push(Series {
            name,
            values: vec![value],
        }),
    }
}

/// A figure of all rounds.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Figure {
    pub(crate) median: f64,
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
}

impl Figure {
    /// `None` for no values.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (lowest, highest) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Some(Self {
            median,
            lowest,
            highest,
        })
    }
}

/// Round by round, how many times the one is of the other.
pub(crate) fn ratios(all: &[Series], one: &str, other: &str) -> Result<Figure, String> {
    let values = |name: &str| {
        all.iter()
            .find(|series| series.name == name)
            .map(|series| series.values.as_slice())
            .ok_or_else(|| format!("nothing was measured of {name}"))
    };
    let ratios: Vec<f64> = values(one)?
        .iter()
        .zip(values(other)?)
        .map(|(one, other)| one / other)
        .collect();
    Figure::of(&ratios).ok_or_else(|| "no round was run".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(Figure::of(&[]), None);
        let figure = Figure::of(&[3.0, 1.0, 2.0]).unwrap();
        assert_eq!((figure.lowest, figure.median, figure.highest), (1.0, 2.0, 3.0));
        assert_eq!(Figure::of(&[1.0, 2.0]).unwrap().median, 1.5);
    }

    #[test]
    fn the_order_turns_and_rounds_are_compared_with_themselves() {
        let mut order = Vec::new();
        let all = alternate(3, &["a", "b"], |name| {
            order.push(name);
            Ok(if name == "a" {
                order.len() as f64
            } else {
                2.0 * order.len() as f64
            })
        })
        .unwrap();
        assert_eq!(order, ["a", "b", "b", "a", "a", "b"]);
        assert_eq!(ratios(&all, "a", "b").unwrap().highest, 4.0 / 6.0);
        assert!(ratios(&all, "a", "c").is_err());
    }
}
