import re
import unittest

import flame_graph

SCRIPT = """\
bench  7 
\t    1f2 firn::internal::Leaf::Find<int>(std::string_view)
\t    3a4c firn::bench::(anonymous namespace)::BM_Get
\t    1ab77 _start

bench  7 
\t    77aa memcpy
\t    1ab77 _start
"""


class FlameGraphTest(unittest.TestCase):
    def test_stacks_begin_with_the_caller(self):
        stacks = list(flame_graph.read_stacks(SCRIPT.splitlines(keepends=True)))
        self.assertEqual([stack[0] for stack in stacks], ["_start", "_start"])
        self.assertEqual(stacks[1], ["_start", "memcpy"])

    def test_only_what_is_below_the_pattern_counts(self):
        stacks = flame_graph.read_stacks(SCRIPT.splitlines(keepends=True))
        root = flame_graph.fold(stacks, re.compile("BM_"))
        self.assertEqual(root.samples, 1)
        self.assertEqual(list(root.callees), ["firn::bench::BM_Get"])

    def test_what_is_below_setting_up_does_not_count(self):
        stacks = [["BM_Get", "LoadedDb", "Put"], ["BM_Get", "Get"], ["BM_Get", "Get"]]
        root = flame_graph.fold(stacks, re.compile("BM_"), re.compile("Loaded"))
        self.assertEqual(root.samples, 2)
        self.assertEqual(list(root.callees["BM_Get"].callees), ["Get"])

    def test_names_lose_their_arguments(self):
        self.assertEqual(flame_graph.short_name("void f<a::b<int> >(std::string const&)"), "f")
        self.assertEqual(flame_graph.short_name("std::map<int, int>::find(int) const"), "std::map::find")

    def test_narrow_frames_are_left_out(self):
        root = flame_graph.fold([["a"]] * 999 + [["b"]], re.compile(""))
        self.assertEqual([box[3] for box in flame_graph.layout(root, 0.003)], ["a"])

    def test_the_picture_is_the_same_each_time(self):
        root = flame_graph.fold([["a&", "b"], ["a&", "c"]], re.compile(""))
        self.assertEqual(flame_graph.draw(root, "t", 0), flame_graph.draw(root, "t", 0))
        self.assertIn(">a&amp;</text>", flame_graph.draw(root, "t", 0))


if __name__ == "__main__":
    unittest.main()
