import unittest

import plot_bars


def series(*rounds):
    return {"q1": min(rounds), "median": sorted(rounds)[len(rounds) // 2], "q3": max(rounds), "rounds": list(rounds)}


def row(name, measured, judged, bar=None):
    found = {"name": name, "unit": "ns/get", "measured": measured, "judged": judged}
    return found if bar is None else found | {"bar": bar}


class PlotBarsTest(unittest.TestCase):
    def test_a_limit_is_read_with_its_unit(self):
        self.assertEqual(plot_bars.limit_of({"bar": ">= 3.00 M/s"}), 3)
        self.assertEqual(plot_bars.limit_of({"bar": "<= 1.50x"}), 1.5)
        self.assertIsNone(plot_bars.limit_of({}))

    def test_rows_that_share_a_measurement_have_it_drawn_once(self):
        both = {"firn": series(1, 2), "lmdb": series(3, 4)}
        rows = [row("get.a", both, series(3, 2)), row("get.a_again", both, series(2, 2))]
        times, ratios = plot_bars.panels_of(rows)
        self.assertEqual([bar.label for bar in times.bars], ["get.a: firn", "get.a: lmdb"])
        self.assertEqual([bar.label for bar in ratios.bars], ["get.a", "get.a_again"])

    def test_a_figure_carries_its_own_limit(self):
        panels = plot_bars.panels_of([row("open.x", {"M/s": series(2, 3)}, series(2, 3), ">= 3.00 M/s")])
        self.assertEqual(len(panels), 1)
        self.assertEqual(panels[0].bars[0].limit, 3)

    def test_the_axis_is_logarithmic_from_ten_times_on(self):
        def panel(*medians):
            return plot_bars.Panel("", [plot_bars.Bar("", series(median)) for median in medians])

        self.assertFalse(panel(1, 10).is_log())
        self.assertTrue(panel(1, 11).is_log())
        self.assertFalse(panel(0, 11).is_log())


if __name__ == "__main__":
    unittest.main()
