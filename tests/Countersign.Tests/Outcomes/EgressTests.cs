using System.Net;
using Countersign.Outcomes;
using Xunit;

namespace Countersign.Tests.Outcomes;

/// <summary>The one way out: which addresses it refuses, and the word for everything that can go wrong.</summary>
public sealed class EgressTests
{
    private static readonly EgressOptions Loopback = new() { Allow = [EgressAllowance.Parse("127.0.0.0/8")!] };

    [Theory]
    [
        InlineData("0.0.0.0"),
        InlineData("10.1.2.3"),
        InlineData("100.64.0.1"),
        InlineData("100.100.100.200"),
        InlineData("127.0.0.1"),
        InlineData("127.9.9.9")
    ]
    [
        InlineData("168.63.129.16"),
        InlineData("169.254.169.254"),
        InlineData("172.16.0.1"),
        InlineData("172.31.255.255"),
        InlineData("192.0.0.192"),
        InlineData("192.168.1.1")
    ]
    [
        InlineData("198.18.0.1"),
        InlineData("224.0.0.1"),
        InlineData("239.255.255.255"),
        InlineData("240.0.0.1"),
        InlineData("255.255.255.255")
    ]
    [
        InlineData("::"),
        InlineData("::1"),
        InlineData("::127.0.0.1"),
        InlineData("::ffff:127.0.0.1"),
        InlineData("::ffff:8.8.8.8"),
        InlineData("64:ff9b::7f00:1"),
        InlineData("64:ff9b:1::1")
    ]
    [
        InlineData("2002:7f00:1::"),
        InlineData("2001::1"),
        InlineData("2001:db8::1"),
        InlineData("fc00::1"),
        InlineData("fd00:ec2::254"),
        InlineData("fe80::1"),
        InlineData("fec0::1"),
        InlineData("ff02::1")
    ]
    public void An_address_that_is_not_public_is_refused_until_it_is_listed(string address)
    {
        var given = IPAddress.Parse(address);
        Assert.False(EgressRules.MayReach(given, 443, []));
        Assert.True(
            EgressRules.MayReach(
                given,
                443,
                [
                    EgressAllowance.Parse(
                        given.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
                            ? "0.0.0.0/0"
                            : "[::/0]:443"
                    )!,
                ]
            )
        );
    }

    [Theory]
    [
        InlineData("8.8.8.8"),
        InlineData("1.1.1.1"),
        InlineData("100.63.255.255"),
        InlineData("100.128.0.1"),
        InlineData("172.15.0.1"),
        InlineData("172.32.0.1"),
        InlineData("2606:4700::1111")
    ]
    public void A_public_address_needs_no_list(string address) =>
        Assert.True(EgressRules.MayReach(IPAddress.Parse(address), 443, []));

    [Theory]
    [InlineData("10.0.0.0/8", "10.9.9.9", 80, true)]
    [InlineData("10.0.0.0/8:443", "10.9.9.9", 443, true)]
    [InlineData("10.0.0.0/8:443", "10.9.9.9", 80, false)]
    [InlineData("10.1.2.3", "10.1.2.3", 80, true)]
    [InlineData("10.1.2.3", "10.1.2.4", 80, false)]
    [InlineData("10.1.2.3:8025", "::ffff:10.1.2.3", 8025, true)]
    [InlineData("[fd00::/8]:443", "fd12::1", 443, true)]
    [InlineData("fd00::/8", "fd12::1", 80, true)]
    [InlineData("fd00::/8", "fe80::1", 80, false)]
    public void The_list_names_networks_and_ports(string entry, string address, int port, bool may) =>
        Assert.Equal(may, EgressRules.MayReach(IPAddress.Parse(address), port, [EgressAllowance.Parse(entry)!]));

    [Theory]
    [
        InlineData("localhost"),
        InlineData("10.0.0.0/33"),
        InlineData("10.0.0.0/8:"),
        InlineData("10.0.0.0/8:0"),
        InlineData("10.0.0.0/8:65536"),
        InlineData("10.0.0.0/8:http"),
        InlineData("[fd00::/8"),
        InlineData("[fd00::/8]443")
    ]
    public void An_entry_that_is_none_is_told(string entry)
    {
        Assert.Null(EgressAllowance.Parse(entry));
    }

    [Fact]
    public async Task A_receiver_that_answers_is_heard()
    {
        await using var receiver = new Receiver(new Conduct.Answers(200, "fine"));
        var answer = Assert.IsType<EgressOutcome.Answered>(await Send(Loopback, receiver.Address));
        Assert.Equal((200, "fine", null), (answer.Status, answer.Text, answer.RetryAfter(DateTimeOffset.UnixEpoch)));
    }

    [Theory]
    [InlineData("90", 90)]
    [InlineData("Sun, 01 Mar 2026 12:01:30 GMT", 90)]
    [InlineData("Sun, 01 Mar 2026 11:59:00 GMT", null)]
    [InlineData("soon", null)]
    public async Task A_receiver_that_asks_to_be_left_alone_says_for_how_long(string header, int? seconds)
    {
        await using var receiver = new Receiver(new Conduct.Answers(503, "", $"Retry-After: {header}\r\n"));
        var answer = Assert.IsType<EgressOutcome.Answered>(await Send(Loopback, receiver.Address));
        Assert.Equal(
            seconds,
            (int?)answer.RetryAfter(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero))?.TotalSeconds
        );
    }

    [Fact]
    public async Task A_redirect_is_an_answer_and_is_not_followed()
    {
        await using var elsewhere = new Receiver(new Conduct.Answers(200));
        await using var receiver = new Receiver(new Conduct.Answers(302, "", $"Location: {elsewhere.Address}\r\n"));
        Assert.Equal(302, Assert.IsType<EgressOutcome.Answered>(await Send(Loopback, receiver.Address)).Status);
        Assert.Empty(elsewhere.Calls);
    }

    [Fact]
    public async Task A_name_nobody_knows_is_dns() =>
        Assert.Equal(
            "dns",
            await Word(
                Loopback with
                {
                    LookUp = (_, _) =>
                        throw new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.HostNotFound),
                },
                new Uri("http://nobody.example/")
            )
        );

    [Fact]
    public async Task A_port_where_nobody_listens_is_refused()
    {
        int port;
        await using (var gone = new Receiver(new Conduct.Hangs()))
            port = gone.Port;
        Assert.Equal("refused", await Word(Loopback, new Uri($"http://127.0.0.1:{port}/")));
    }

    [Fact]
    public async Task A_certificate_that_nobody_vouches_for_is_tls_until_its_authority_is_known()
    {
        using var certificate = Receiver.Certificate();
        await using var receiver = new Receiver(_ => new Conduct.Answers(200), certificate);
        Assert.Equal("tls", await Word(Loopback, receiver.Address));
        Assert.Empty(receiver.Calls);
        Assert.IsType<EgressOutcome.Answered>(await Send(Loopback with { Roots = [certificate] }, receiver.Address));
    }

    [Fact]
    public async Task A_good_certificate_for_another_name_is_tls()
    {
        using var certificate = Receiver.Certificate();
        await using var receiver = new Receiver(_ => new Conduct.Answers(200), certificate);
        var elsewhere = new UriBuilder(receiver.Address) { Host = "somebody.example" }.Uri;
        Assert.Equal(
            "tls",
            await Word(
                Loopback with
                {
                    Roots = [certificate],
                    LookUp = (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback]),
                },
                elsewhere
            )
        );
    }

    [Fact]
    public async Task A_receiver_that_says_nothing_is_a_timeout()
    {
        await using var receiver = new Receiver(new Conduct.Hangs());
        Assert.Equal(
            "timeout",
            await Word(Loopback with { Patience = TimeSpan.FromMilliseconds(150) }, receiver.Address)
        );
    }

    [Fact]
    public async Task A_receiver_that_answers_byte_by_byte_is_a_timeout()
    {
        await using var receiver = new Receiver(new Conduct.Drips());
        Assert.Equal(
            "timeout",
            await Word(Loopback with { Patience = TimeSpan.FromMilliseconds(150) }, receiver.Address)
        );
    }

    [Fact]
    public async Task A_receiver_that_breaks_the_connection_is_a_reset()
    {
        await using var receiver = new Receiver(new Conduct.Resets());
        Assert.Equal("reset", await Word(Loopback, receiver.Address));
    }

    [Fact]
    public async Task An_answer_without_end_is_too_large()
    {
        await using var receiver = new Receiver(new Conduct.Floods());
        Assert.Equal("too large", await Word(Loopback, receiver.Address));
    }

    [Theory]
    [
        InlineData("http://127.0.0.1:{0}/"),
        InlineData("http://localhost:{0}/"),
        InlineData("http://[::ffff:127.0.0.1]:{0}/"),
        InlineData("http://2130706433:{0}/"),
        InlineData("http://0x7f.1:{0}/")
    ]
    public async Task A_private_address_is_blocked_however_it_is_written(string address)
    {
        await using var receiver = new Receiver(new Conduct.Answers(200));
        Assert.Equal(
            "blocked address",
            await Word(
                new EgressOptions(),
                new Uri(string.Format(System.Globalization.CultureInfo.InvariantCulture, address, receiver.Port))
            )
        );
        Assert.Empty(receiver.Calls);
    }

    [Fact]
    public async Task A_name_that_leads_elsewhere_the_second_time_gains_nothing()
    {
        await using var inside = new Receiver(new Conduct.Answers(200));
        var asked = 0;
        using var egress = new Egress(
            new EgressOptions
            {
                // Public at first, as whoever registers it would show; then the machine itself.
                LookUp = (_, _) =>
                    Task.FromResult<IPAddress[]>([asked++ == 0 ? IPAddress.Parse("192.0.2.1") : IPAddress.Loopback]),
            }
        );
        foreach (var _ in new[] { 1, 2 })
        {
            using var call = new HttpRequestMessage(HttpMethod.Post, $"http://rebinding.example:{inside.Port}/");
            Assert.Equal(
                Failure.BlockedAddress,
                Assert.IsType<EgressOutcome.Failed>(await egress.Send(call, default)).Failure
            );
        }
        Assert.Equal(2, asked);
        Assert.Empty(inside.Calls);
    }

    [Fact]
    public async Task What_the_operator_names_in_the_settings_may_be_anywhere()
    {
        await using var receiver = new Receiver(new Conduct.Answers(200));
        using var egress = new Egress(new EgressOptions());
        using var call = new HttpRequestMessage(HttpMethod.Get, receiver.Address);
        Assert.IsType<EgressOutcome.Answered>(await egress.Send(call, default, Trust.Operator));
    }

    private static async Task<EgressOutcome> Send(EgressOptions options, Uri address)
    {
        using var egress = new Egress(options);
        using var call = new HttpRequestMessage(HttpMethod.Post, address) { Content = new StringContent("{}") };
        return await egress.Send(call, TestContext.Current.CancellationToken).Soon();
    }

    private static async Task<string> Word(EgressOptions options, Uri address) =>
        Assert.IsType<EgressOutcome.Failed>(await Send(options, address)).Failure.Word();
}
