namespace Mvedsua.Rules.Tests;

/// <summary>What rules do with the leader's events and the follower's calls.</summary>
public sealed class EvaluatorTests
{
    private const string WritevForWrite = """
        rule "writev for write"
          write($fd, $data) => writev($fd, $data)
        """;

    [Fact]
    public void Without_rules_equal_calls_get_the_leaders_results() => Texts.Holds("",
        """
        read(5, "GET a\r\n", 4096) = 7
        write(5, "1\r\n", 3) = 3
        """,
        """
        read(5, "GET a\r\n", 4096) = 7
        write(5, "1\r\n", 3) = 3
        """);

    [Theory]
    [InlineData("write(5, \"1\\r\\n\", 3) = 3", "write(5, \"2\\r\\n\", 3)", "buf is \"1\\r\\n\" in the leader and \"2\\r\\n\" in the follower")]
    [InlineData("write(5, \"1\\r\\n\", 3) = 3", "write(6, \"1\\r\\n\", 3)", "fd is 5 in the leader and 6 in the follower")]
    [InlineData("read(5, \"1\\r\\n\", 4096) = 3", "write(5, \"1\\r\\n\", 3)", "the leader's event is read, the follower's call write")]
    [InlineData("epoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data=0x55}) = 0", "epoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLOUT, data=0x66})", "event is {events=EPOLLIN, data=0x…} in the leader and {events=EPOLLOUT, data=0x…} in the follower")]
    public void Without_rules_another_call_diverges_and_the_difference_is_named(string leader, string follower, string reason) =>
        Texts.Diverges("", leader, follower, reason);

    [Fact]
    public void Addresses_in_structures_are_not_compared() => Texts.Holds("",
        "epoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data=0x5555}) = 0",
        "epoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data=0x7777}) = 0");

    [Fact]
    public void Another_call_with_the_same_bytes_gets_all_of_them_as_its_result() => Texts.Holds(WritevForWrite,
        "write(5, \"VALUE 1\\r\\n\", 9) = 9",
        """writev(5, [{iov_base="VALUE ", iov_len=6}, {iov_base="1\r\n", iov_len=3}], 2) = 9 by "writev for write" """);

    [Fact]
    public void A_capture_that_stands_twice_must_be_the_same_twice() => Texts.Diverges(WritevForWrite,
        "write(5, \"VALUE 1\\r\\n\", 9) = 9", """writev(5, [{iov_base="VALUE 2\r\n", iov_len=9}], 1)""", "the leader's event is write");

    [Fact]
    public void A_call_that_failed_is_matched_only_when_the_rule_says_so()
    {
        const string failed = "write(5, \"x\", 1) = -1 EPIPE (Broken pipe)";
        Texts.Diverges(WritevForWrite, failed, """writev(5, [{iov_base="x", iov_len=1}], 1)""", "event is write");
        Texts.Holds("rule write($fd, $data) = $n => writev($fd, $data) = $n", failed, """writev(5, [{iov_base="x", iov_len=1}], 1) = -1 EPIPE (Broken pipe)""");
    }

    [Fact]
    public void Bytes_of_which_only_some_went_out_are_matched_only_when_the_rule_says_so()
    {
        const string part = "write(5, \"abc\", 3) = 2";
        Texts.Diverges(WritevForWrite, part, """writev(5, [{iov_base="abc", iov_len=3}], 1)""", "event is write");
        Texts.Holds("rule write($fd, $data) = $n => writev($fd, $data) = $n", part, """writev(5, [{iov_base="abc", iov_len=3}], 1) = 2""");
    }

    [Fact]
    public void The_first_rule_that_matches_wins() => Texts.Holds("""
        rule "narrow" read($fd, "PING" *) => read($fd, "first")
        rule "wide"   read($fd, $b)       => read($fd, "second " $b)
        """,
        """
        read(5, "PING\r\n", 4096) = 6
        read(5, "PONG", 4096) = 4
        """,
        """
        read(5, "first", 4096) = 5 by "narrow"
        read(5, "second PONG", 4096) = 11 by "wide"
        """);

    [Fact]
    public void What_a_read_gets_is_rewritten_with_its_length() => Texts.Holds("""
        rule "PUT-number is unknown to 1.0"
          read($fd, "PUT-number " $key:word " " $n:digits "\r\n") => read($fd, "BAD " $key " " $n "\r\n")
        """,
        "read(5, \"PUT-number a 12\\r\\n\", 4096) = 17", "read(5, \"BAD a 12\\r\\n\", 4096) = 10");

    [Fact]
    public void Every_line_of_a_read_is_rewritten_by_itself()
    {
        const string rules = """
            lines old { "PUT-number " $k:word " " $n:digits => "PUT_number " $k " " $n; "TYPE " $k => "TYP " $k }
            rule "commands of 2.0" read($fd, $b) => read($fd, old($b)) where old($b) != $b
            """;
        Texts.Holds(rules,
            """
            read(5, "GET a\nPUT-number a 1\r\nPUT-number a\nTYPE b\nPUT-number c 3", 4096) = 56
            read(5, "GET a\n", 4096) = 6
            """,
            """
            read(5, "GET a\nPUT_number a 1\r\nPUT-number a\nTYP b\nPUT-number c 3", 4096) = 55 by "commands of 2.0"
            read(5, "GET a\n", 4096) = 6
            """);
    }

    [Theory]
    [InlineData("PUT-number 12", "key=PUT-number, rest=12")]
    [InlineData("a  b", "key=a, rest= b")]
    [InlineData("a ", "key=a, rest=")]
    public void A_capture_ends_at_the_first_place_where_the_text_behind_it_stands(string buffer, string told) => Texts.Holds(
        "rule read($fd, $key \" \" $rest) => read($fd, \"key=\" $key \", rest=\" $rest)",
        $"read(5, \"{buffer}\", 99) = {buffer.Length}", $"read(5, \"{told}\", 99) = {told.Length}");

    [Fact]
    public void Text_at_the_end_of_a_pattern_is_looked_for_at_the_end_of_the_buffer() => Texts.Holds(
        "rule read($fd, $all \"\\n\") => read($fd, $all)", "read(5, \"a\\nb\\n\", 99) = 4", "read(5, \"a\\nb\", 99) = 3");

    [Theory]
    [InlineData("any", "", true)]
    [InlineData("line", "", true)]
    [InlineData("line", "a\\rb", false)]
    [InlineData("word", "", false)]
    [InlineData("word", "a\\tb", false)]
    [InlineData("word", "a-b", true)]
    [InlineData("digits", "0123456789", true)]
    [InlineData("digits", "-1", false)]
    [InlineData("number", "-1", true)]
    [InlineData("number", "-", false)]
    [InlineData("number", "9223372036854775808", false)]
    [InlineData("hex", "09afAF", true)]
    [InlineData("hex", "g", false)]
    public void A_class_says_which_bytes_a_capture_takes(string name, string bytes, bool applies)
    {
        var length = bytes.Replace("\\", "", StringComparison.Ordinal).Length + 2;
        Texts.Holds($"rule \"r\" read($fd, \"<\" $x:{name} \">\") => read($fd, \"yes\")", $"read(5, \"<{bytes}>\", 99) = {length}",
            applies ? "read(5, \"yes\", 99) = 3" : $"read(5, \"<{bytes}>\", 99) = {length}");
    }

    [Fact]
    public void Case_is_ignored_where_the_rule_says_so() => Texts.Holds(
        "rule read($fd, \"get \"i $k) => read($fd, \"GET \" $k)", "read(5, \"GeT aB\", 99) = 6", "read(5, \"GET aB\", 99) = 6");

    [Fact]
    public void What_a_rule_leaves_out_is_compared_with_the_event_of_the_same_name()
    {
        const string rule = "rule \"order\" setsockopt($c, _, _, $v); epoll_ctl($e, $op, $c) => epoll_ctl($e, $op, $c); setsockopt($c, SOL_TCP, TCP_NODELAY, $v)";
        const string leader = """
            setsockopt(7, SOL_TCP, TCP_NODELAY, [1], 4) = 0
            epoll_ctl(4, EPOLL_CTL_ADD, 7, {events=EPOLLIN, data=0x55}) = 0
            """;
        Texts.Holds(rule, leader, "epoll_ctl(4, EPOLL_CTL_ADD, 7, {events=EPOLLIN, data=0x66}) = 0\nsetsockopt(7, SOL_TCP, TCP_NODELAY, [1], 4) = 0");
        Texts.Diverges(rule, leader, "epoll_ctl(4, EPOLL_CTL_ADD, 7, {events=EPOLLOUT, data=0x66})", "the leader's event is setsockopt");
    }

    [Fact]
    public void A_buffer_that_does_not_fit_the_call_is_not_given() => Texts.Diverges("""
        rule "longer" read($fd, $b) => read(fd: $fd, buf: $b " and more")
        """, "read(5, \"12345678\", 8) = 8", "read(6, _, 8)", "fd is 5 in the leader and 6 in the follower");

    [Fact]
    public void Events_are_dropped_and_calls_are_added_where_the_two_differ() => Texts.Holds("""
        rule "no log line"   write(2, "debug: " *) => nothing
        rule "one more look" nothing => exec clock_gettime(CLOCK_MONOTONIC, _)
        rule "close it"      nothing => close(9) = 0
        """,
        """
        write(2, "debug: x\n", 9) = 9
        write(5, "1", 1) = 1
        clock_gettime(CLOCK_MONOTONIC, {tv_sec=1, tv_nsec=2}) = 0
        write(2, "debug: y\n", 9) = 9
        """,
        """
        write(5, "1", 1) = 1
        clock_gettime(CLOCK_MONOTONIC, {tv_sec=1, tv_nsec=2}) = 0
        exec clock_gettime(CLOCK_MONOTONIC, _) by "one more look"
        close(9) = 0 by "close it"
        """);

    [Fact]
    public void An_event_that_a_rule_could_drop_is_still_compared_first() => Texts.Holds(
        "rule \"drop\" write(2, *) => nothing", "write(2, \"a\", 1) = 1", "write(2, \"a\", 1) = 1");

    [Fact]
    public void Calls_come_in_another_order_and_each_gets_the_result_of_its_own_event() => Texts.Holds("""
        rule "other order"
          a: accept4($l, _, _, $flags) = $new; write($log, $line)
            => write($log, $line); accept4($l, _, _, $flags) = $new
        """,
        """
        accept4(3, {sa_family=AF_INET, sin_port=htons(5), sin_addr=inet_addr("127.0.0.1")}, [16], SOCK_NONBLOCK) = 7
        write(2, "new", 3) = 3
        """,
        """
        write(2, "new", 3) = 3
        accept4(3, {sa_family=AF_INET, sin_port=htons(5), sin_addr=inet_addr("127.0.0.1")}, [16], SOCK_NONBLOCK) = 7
        """);

    [Fact]
    public void Several_writes_are_one_in_the_follower_however_many_they_are()
    {
        const string rule = "rule \"merged\" (write($fd, +$all)){1,8} => writev($fd, $all)";
        Texts.Holds(rule,
            """
            write(5, "a", 1) = 1
            write(5, "bc", 2) = 2
            write(5, "d", 1) = 1
            write(5, "e", 1) = 1
            """,
            """
            writev(5, [{iov_base="abc", iov_len=3}], 1) = 3
            writev(5, [{iov_base="d", iov_len=1}], 1) = 1
            writev(5, [{iov_base="e", iov_len=1}], 1) = 1
            """);
    }

    [Fact]
    public void One_write_is_several_in_the_follower_and_none_of_its_bytes_may_be_missing()
    {
        const string rule = "rule \"split\" write($fd, $all) => (writev($fd, -$all)){1,4}; close($fd) = 0";
        Texts.Holds(rule, "write(5, \"abc\", 3) = 3",
            """
            writev(5, [{iov_base="a", iov_len=1}], 1) = 1
            writev(5, [{iov_base="bc", iov_len=2}], 1) = 2
            close(5) = 0
            """);
        Texts.Diverges(rule, "write(5, \"abc\", 3) = 3",
            """
            writev(5, [{iov_base="a", iov_len=1}], 1) = 1
            close(5)
            """, "of $all there is left \"bc\"");
        Texts.Diverges(rule, "write(5, \"abc\", 3) = 3",
            """
            writev(5, [{iov_base="a", iov_len=1}], 1) = 1
            writev(5, [{iov_base="x", iov_len=1}], 1)
            """, "expects close");
    }

    [Fact]
    public void A_repetition_without_a_round_is_passed_over() => Texts.Holds("""
        rule "with or without" read($fd, $b); (clock_gettime())? ; write($fd, $out) => read($fd, $b); write($fd, $out)
        """,
        """
        read(5, "a", 10) = 1
        write(5, "b", 1) = 1
        read(5, "c", 10) = 1
        clock_gettime(CLOCK_REALTIME, {tv_sec=1, tv_nsec=2}) = 0
        write(5, "d", 1) = 1
        """,
        """
        read(5, "a", 10) = 1
        write(5, "b", 1) = 1
        read(5, "c", 10) = 1
        write(5, "d", 1) = 1
        """);

    [Fact]
    public void What_one_rule_stores_another_gives()
    {
        const string rules = """
            rule "keep" clock_gettime($c, $t) => clock_gettime($c, $t) store @now = $t
            rule "give" nothing => clock_gettime(CLOCK_REALTIME, @now)
            """;
        Texts.Holds(rules, "clock_gettime(CLOCK_REALTIME, {tv_sec=1, tv_nsec=2}) = 0",
            """
            clock_gettime(CLOCK_REALTIME, {tv_sec=1, tv_nsec=2}) = 0
            clock_gettime(CLOCK_REALTIME, {tv_sec=1, tv_nsec=2}) = 0 by "give"
            """);
        Texts.Diverges(rules, "close(5) = 0", "clock_gettime(CLOCK_REALTIME, _)", "event is close");
    }

    [Fact]
    public void What_a_rule_stores_is_there_for_its_own_next_call()
    {
        const string rules = """
            rule "twice" write($fd, $b) => write($fd, $b); read(9, @last) store @last = $b
            """;
        Texts.Holds(rules,
            """
            write(5, "a", 1) = 1
            write(5, "bc", 2) = 2
            """,
            """
            write(5, "a", 1) = 1
            read(9, "a", 10) = 1
            write(5, "bc", 2) = 2
            read(9, "bc", 10) = 2
            """);
    }

    [Fact]
    public void Conditions_compare_numbers_lengths_and_buffers()
    {
        const string rules = """
            rule "large"
              read($fd, "PUT " $k " " $n:digits) => read($fd, "REJECT " $k)
              where number($n) >= 100 and length($k) + 1 < 5 and not ($k matches "_" * or $k == "x")
            """;
        Texts.Holds(rules, "read(5, \"PUT abc 100\", 99) = 11", "read(5, \"REJECT abc\", 99) = 10");
        foreach (var text in (string[])["PUT abc 99", "PUT abcd 100", "PUT _a 100", "PUT x 100", "PUT a 99999999999999999999"])
            Texts.Holds(rules, $"read(5, \"{text}\", 99) = {text.Length}", $"read(5, \"{text}\", 99) = {text.Length}");
    }

    [Fact]
    public void A_labelled_events_fields_can_be_used() => Texts.Holds("""
        rule "fields" a: read($fd, $b) = $n => read(a.fd, a.buf "!") = a.result + 1 where a.count > 3
        """, "read(5, \"ab\", 10) = 2", "read(5, \"ab!\", 10) = 3");

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    public void A_rule_in_a_threads_block_is_for_that_thread_alone(int thread, bool applies)
    {
        const string rules = """
            thread main { rule "a" nothing => close(9) = 0 }
            thread 3 { rule "b" nothing => close(9) = 0 }
            """;
        if (applies) Texts.Holds(rules, "close(5) = 0", "close(9) = 0\nclose(5) = 0", thread);
        else Texts.Diverges(rules, "close(5) = 0", "close(9)", "fd is 5", thread);
    }

    [Fact]
    public void Before_the_beginning_nothing_is_compared()
    {
        const string rules = """
            begin listen($fd, $n) => listen($fd, $n)
            rule "made before" nothing => socket(AF_INET, SOCK_STREAM, _) = 3
            """;
        Texts.Holds(rules,
            """
            getpid() = 5
            close(9) = 0
            listen(3, 10) = 0
            close(4) = 0
            """,
            """
            exec getuid()
            socket(AF_INET, SOCK_STREAM, 0) = 3
            listen(3, 10) = 0
            close(4) = 0
            """);
        Texts.Diverges(rules, "listen(3, 10) = 0", "write(1, \"x\", 1)", "write before the beginning would be seen outside");
        Texts.Diverges(rules, "close(3) = 0", "listen(3, 10)", "the leader never made the listen");
    }
}
