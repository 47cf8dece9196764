//! A series of numbers as one line of text: `▁▂▃▅▇█`.

const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The series in at most `width` characters, scaled to its own lowest and highest number. A longer series is averaged in
/// equal parts. Numbers that are not finite are left out.
pub(super) fn sparkline(series: &[f64], width: usize) -> String {
    let series: Vec<f64> = series.iter().copied().filter(|number| number.is_finite()).collect();
    let columns = series.len().min(width);
    let part =
        |column: usize| &series[column * series.len() / columns..(column + 1) * series.len() / columns];
    // Divided before they are added: the sum of large numbers is not finite.
    let mean = |part: &[f64]| part.iter().map(|number| number / part.len() as f64).sum::<f64>();
    let means: Vec<f64> = (0..columns).map(|column| mean(part(column))).collect();
    let (low, high) = means.iter().fold((f64::MAX, f64::MIN), |(low, high), &at| (low.min(at), high.max(at)));
    let range = high / 2.0 - low / 2.0;
    // Means of one number differ in their last digits.
    let noise = low.abs().max(high.abs()) * 1e-12;
    let step = |at: f64| {
        let share = if range > noise { (at / 2.0 - low / 2.0) / range } else { 0.5 };
        STEPS[((share * 8.0) as usize).min(7)]
    };
    means.into_iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::sparkline;

    #[test]
    fn a_series_is_scaled_to_its_own_range() {
        assert_eq!(sparkline(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 24), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&[0.9, 0.5, 0.3, 0.25], 24), "█▄▁▁");
        assert_eq!(sparkline(&[3.0, 3.0], 24), "▅▅");
        assert_eq!(sparkline(&[], 24), "");
        assert_eq!(sparkline(&[1.0, 2.0], 0), "");
    }

    #[test]
    fn a_long_series_is_averaged_and_odd_numbers_harm_nothing() {
        let ramp: Vec<f64> = (0..10_000).map(f64::from).collect();
        assert_eq!(sparkline(&ramp, 8), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&[f64::NAN, f64::MAX, f64::MIN, f64::INFINITY, 0.0], 24), "█▁▅");
        assert_eq!(sparkline(&[f64::MAX; 100], 3), "▅▅▅");
        assert_eq!(sparkline(&[0.1; 100], 24), "▅".repeat(24));
    }
}
