using System.Text.RegularExpressions;
using Countersign.Hosting;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Configuration;
using Xunit;
using YamlDotNet.RepresentationModel;

namespace Countersign.Tests.Hosting;

/// <summary>What people copy from <c>deploy/</c> fits the server: its settings, addresses and user.</summary>
public sealed partial class DeploymentTests
{
    [Theory]
    [InlineData("Containerfile")]
    [InlineData("compose/sqlite.yaml")]
    [InlineData("compose/postgres.yaml")]
    [InlineData("kubernetes/countersign.yaml")]
    [InlineData("systemd/countersign.env")]
    public void Examples_set_what_the_server_knows(string file)
    {
        var given = Variable()
            .Matches(Read(file))
            .ToDictionary(
                m => m.Groups["name"].Value.Replace("__", ":", StringComparison.Ordinal),
                m => (string?)m.Groups["value"].Value.Trim()
            );
        Assert.NotEmpty(given);
        const string inFile = "_FILE";
        foreach (var name in given.Keys.Where(n => n.EndsWith(inFile, StringComparison.Ordinal)).ToList())
        {
            given.Remove(name);
            given[name[..^inFile.Length]] = "Host=postgres;Database=countersign;Username=countersign";
        }

        Assert.All(given.Keys, name => Assert.True(CountersignOptions.IsKnown(name), name));
        var options = new CountersignOptions(new ConfigurationBuilder().AddInMemoryCollection(given).Build());
        Assert.Empty(options.Problems());
        // Nodes whose secrets can't be written can't keep there what they signed.
        Assert.Equal(given.ContainsKey("Database"), given.ContainsKey("Proof:Origin"));
    }

    [Fact]
    public async Task Kubernetes_manifests_have_only_fields_of_its_API_and_agree_with_each_other()
    {
        var documents = KubernetesYaml.LoadAllFromString(Read("kubernetes/countersign.yaml"), strict: true);
        var deployment = Assert.Single(documents.OfType<V1Deployment>());
        var service = Assert.Single(documents.OfType<V1Service>());
        var budget = Assert.Single(documents.OfType<V1PodDisruptionBudget>());
        var settings = Assert.Single(documents.OfType<V1ConfigMap>());
        var pod = deployment.Spec.Template;
        var container = Assert.Single(pod.Spec.Containers);

        Assert.Equal(4, documents.Count);
        foreach (
            var selector in new[]
            {
                deployment.Spec.Selector.MatchLabels,
                budget.Spec.Selector.MatchLabels,
                service.Spec.Selector,
            }
        )
        {
            Assert.Equal(pod.Metadata.Labels, selector);
        }
        Assert.Equal(settings.Metadata.Name, Assert.Single(container.EnvFrom).ConfigMapRef.Name);
        Assert.Equal(pod.Spec.Volumes.Select(v => v.Name).Order(), container.VolumeMounts.Select(m => m.Name).Order());
        var port = Assert.Single(container.Ports);
        Assert.EndsWith($":{port.ContainerPort}", settings.Data["COUNTERSIGN_Urls"], StringComparison.Ordinal);
        Assert.Equal(port.Name, Assert.Single(service.Spec.Ports).TargetPort.Value);
        var secrets = container.VolumeMounts.Single(m => m.Name == "secrets").MountPath;
        foreach (var (name, path) in settings.Data.Where(s => s.Value.StartsWith("/run/", StringComparison.Ordinal)))
            Assert.True(Path.GetDirectoryName(path) == secrets, name);

        // Nothing is written but what has a volume, and no process is root.
        Assert.True(container.SecurityContext.ReadOnlyRootFilesystem);
        Assert.StartsWith(
            container.VolumeMounts.Single(m => m.Name == "tmp").MountPath + "/",
            settings.Data["COUNTERSIGN_Data"],
            StringComparison.Ordinal
        );
        Assert.True(pod.Spec.SecurityContext.RunAsNonRoot);
        Assert.Contains(
            $"USER {pod.Spec.SecurityContext.RunAsUser}:{pod.Spec.SecurityContext.RunAsGroup}\n",
            Read("Containerfile"),
            StringComparison.Ordinal
        );

        // Drained before the pod is killed, and asked as often as the drain needs.
        var drain = new ShutdownOptions().Drain.TotalSeconds;
        Assert.True(pod.Spec.TerminationGracePeriodSeconds >= drain + 15);
        Assert.True(container.ReadinessProbe.PeriodSeconds * container.ReadinessProbe.FailureThreshold < drain);
        await using var host = await ApiHost.Start(Engine.Sqlite);
        using var kubelet = host.Nobody();
        foreach (var probe in new[] { container.StartupProbe, container.LivenessProbe, container.ReadinessProbe })
            Assert.Equal(200, (await kubelet.Get(probe.HttpGet.Path)).Status);
    }

    [Theory]
    [InlineData("compose/sqlite.yaml")]
    [InlineData("compose/postgres.yaml")]
    public void Compose_files_name_what_they_define(string file)
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(Read(file)));
        var root = (YamlMappingNode)yaml.Documents[0].RootNode;
        var services = (YamlMappingNode)root.Children["services"];
        var names = Names(services);

        foreach (var service in services.Children.Values.Cast<YamlMappingNode>())
        {
            Assert.All(Items(service, "depends_on"), name => Assert.Contains(name, names));
            Assert.All(Items(service, "secrets"), name => Assert.Contains(name, Names(root.Children["secrets"])));
            foreach (var volume in Items(service, "volumes").Select(v => v.Split(':')[0]))
            {
                if (volume.StartsWith('.'))
                    Assert.True(File.Exists(Path.Combine(Repository.Root, "deploy", "compose", volume)), volume);
                else
                    Assert.Contains(volume, Names(root.Children["volumes"]));
            }
        }
    }

    private static string Read(string file) => Repository.Read(["deploy", .. file.Split('/')]);

    private static List<string> Names(YamlNode mapping) =>
        [.. ((YamlMappingNode)mapping).Children.Keys.Select(k => k.ToString())];

    private static List<string> Items(YamlMappingNode service, string name) =>
        !service.Children.TryGetValue(name, out var items) ? []
        : items is YamlSequenceNode list ? [.. list.Select(i => i.ToString())]
        : Names(items);

    /// <summary>An assignment in any of the files: <c>NAME=value</c>, <c>NAME: value</c>, also commented out.</summary>
    [GeneratedRegex(
        @"^[#\s]*(?:ENV\s+)?COUNTERSIGN_(?<name>\w+)(?:=|:\s)(?<value>[^\\\n]*)",
        RegexOptions.ExplicitCapture | RegexOptions.Multiline,
        1000
    )]
    private static partial Regex Variable();
}
