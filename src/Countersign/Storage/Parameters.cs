using System.Collections.Concurrent;
using System.Data.Common;
using System.Reflection;

namespace Countersign.Storage;

/// <summary>
/// Binds the properties of an argument object to the parameters of a command, which it adds once under the same names.
/// </summary>
internal sealed class Parameters
{
    private static readonly ConcurrentDictionary<Type, Parameters> Plans = new();

    private static readonly MethodInfo MakeGetter = typeof(Parameters).GetMethod(nameof(Getter))!;

    private readonly (string Name, Func<object, object> Get)[] _properties;

    private Parameters(Type type) =>
        _properties = [
            .. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Select(property =>
                    (
                        // With its sign, as it stands in the text: SQLite's provider otherwise tries every sign each
                        // time it binds.
                        "@" + property.Name,
                        (Func<object, object>)
                            MakeGetter
                                .MakeGenericMethod(type, property.PropertyType)
                                .Invoke(null, [property.GetMethod])!
                    )
                ),
        ];

    public static Parameters For(Type type) => Plans.GetOrAdd(type, static t => new Parameters(t));

    /// <summary>Adds the parameters once, when a command is made.</summary>
    public void AddTo(DbCommand command)
    {
        foreach (var (name, _) in _properties)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            command.Parameters.Add(parameter);
        }
    }

    public void Bind(DbCommand command, object arguments)
    {
        for (var i = 0; i < _properties.Length; i++)
            command.Parameters[i].Value = _properties[i].Get(arguments);
    }

    /// <summary>For statements put together at run time: lists with filters.</summary>
    public static void Bind(DbCommand command, Dictionary<string, object?> arguments)
    {
        foreach (var (name, value) in arguments)
        {
            if (!command.Parameters.Contains(name))
            {
                var parameter = command.CreateParameter();
                parameter.ParameterName = name;
                command.Parameters.Add(parameter);
            }
            command.Parameters[name].Value = ToValue(value);
        }
    }

    /// <summary>
    /// Reads a property without reflection, which statements on the writer's thread otherwise pay for each time.
    /// </summary>
    public static Func<object, object> Getter<TArguments, TValue>(MethodInfo get)
        where TArguments : class
    {
        var read = get.CreateDelegate<Func<TArguments, TValue>>();
        return arguments => ToValue(read((TArguments)arguments));
    }

    /// <summary>The value of one argument, as a column takes it.</summary>
    internal static object ToValue(object? value) =>
        value switch
        {
            null => DBNull.Value,
            // SQLite's own binder replaces halves of surrogate pairs as it encodes; PostgreSQL's driver would throw.
            // PostgreSQL itself refuses null characters.
            string text => WellFormed.Text(text).Replace('\0', '\uFFFD'),
            long or byte[] => value,
            int number => (long)number,
            DateTimeOffset time => Instant.ToText(time),
            ISqlText text => text.ToSqlText(),
            _ => throw new ArgumentException($"No column type of ours takes a {value.GetType().Name}.", nameof(value)),
        };
}

/// <summary>A value of ours with one text form in the store, such as an id or a status.</summary>
public interface ISqlText
{
    string ToSqlText();
}
