using System.Collections.Concurrent;
using System.Data.Common;
using System.Linq.Expressions;
using System.Reflection;

namespace Countersign.Storage;

/// <summary>
/// Binds the properties of an argument object to the parameters of a command by name.
/// One plan per argument type, compiled on first use: the hot statements are bound some ten thousand times a second.
/// </summary>
internal sealed class Parameters
{
    private static readonly ConcurrentDictionary<Type, Parameters> Plans = new();
    private static readonly MethodInfo ToValueMethod = typeof(Parameters).GetMethod(nameof(ToValue), BindingFlags.NonPublic | BindingFlags.Static)!;

    private readonly string[] _names;
    private readonly Func<object, object>[] _values;

    private Parameters(Type type)
    {
        var properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance);
        _names = [.. properties.Select(p => p.Name)];
        _values = [.. properties.Select(p => Getter(type, p))];
    }

    public static Parameters For(Type type) => Plans.GetOrAdd(type, static t => new Parameters(t));

    /// <summary>Adds the parameters once, when a command is made.</summary>
    public void AddTo(DbCommand command)
    {
        foreach (var name in _names)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            command.Parameters.Add(parameter);
        }
    }

    public void Bind(DbCommand command, object arguments)
    {
        for (var i = 0; i < _values.Length; i++)
            command.Parameters[i].Value = _values[i](arguments);
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

    private static Func<object, object> Getter(Type type, PropertyInfo property)
    {
        var arguments = Expression.Parameter(typeof(object));
        var value = Expression.Property(Expression.Convert(arguments, type), property);
        return Expression.Lambda<Func<object, object>>(
            Expression.Call(ToValueMethod, Expression.Convert(value, typeof(object))), arguments).Compile();
    }

    /// <summary>The value of one argument, as a column takes it.</summary>
    internal static object ToValue(object? value) => value switch
    {
        null => DBNull.Value,
        string or long or byte[] => value,
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
